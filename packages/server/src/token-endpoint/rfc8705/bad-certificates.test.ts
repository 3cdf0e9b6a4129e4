import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { fromBER, Integer, type BaseBlock } from 'asn1js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { adminSender, type SendAdmin } from '../../admin-api/testing/admin-request.ts'
import {
  identityOf,
  makeTestCertificate,
  makeTestKey,
  pemOf,
  signAgain,
  usualExtensions,
  x509,
  type TestCertificateOptions,
  type TestIdentity,
  type TestKey,
} from '../../testing/certificates.ts'
import { createClientOver, issueTo, postMtls, startMtlsServer, type IssuedIdentity } from '../../testing/mtls-server.ts'
import type { TestServer } from '../../testing/start-test-server.ts'

/* Certificates that get nobody in, each over a real handshake: its key is there, so that only the certificate can be what is wrong. */

let server: TestServer
let admin: SendAdmin
let clientId: string
let issued: IssuedIdentity
let another: IssuedIdentity
/** An authority of somebody else's. */
let otherAuthority: { readonly key: TestKey; readonly certificate: x509.X509Certificate }

const day = 86_400_000

beforeAll(async () => {
  server = await startMtlsServer()
  admin = adminSender(server.adminSocket)
  await server.registerApi('configurations', ['read'])
  ;({ clientId } = await createClientOver(admin, 'mtls'))
  issued = await issueTo(admin, clientId)
  another = await issueTo(admin, (await createClientOver(admin, 'mtls')).clientId)
  otherAuthority = await makeAuthority('Somebody else')
})
afterAll(() => server.dispose())

async function makeAuthority(name: string | x509.JsonName): Promise<typeof otherAuthority> {
  const key = await makeTestKey()
  const certificate = await makeTestCertificate(key, {
    subject: typeof name === 'string' ? [{ CN: [name] }] : name,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  })
  return { key, certificate }
}

/** What comes of a request with this certificate: the status, and the reason where it was refused. */
async function outcome(identity: TestIdentity): Promise<string> {
  // No more failures than one address may have.
  server.clock.advance(1000)
  const form = { grant_type: 'client_credentials', client_id: clientId }
  const answer = await postMtls(server, '/oauth2/token', form, { identity: { ...identity, ...anyKey } })
  if (answer.status === 200) return '200'
  expect(answer.json()).toEqual({ error: 'invalid_client', error_description: 'client authentication failed' })
  const { items } = await server.services.audit.list({ limit: 1, event: 'token.denied' })
  return `${answer.status} ${String(items[0]?.details['reason']).replace('authentication.certificate_', '')}`
}

/** A client that would use a weak key. */
const anyKey = { ciphers: 'DEFAULT@SECLEVEL=0' }

const { KeyUsageFlags: flag, ExtendedKeyUsage: purpose } = x509
const basic = (isAuthority: boolean) => new x509.BasicConstraintsExtension(isAuthority, undefined, true)
const usage = (flags: x509.KeyUsageFlags) => new x509.KeyUsagesExtension(flags, true)
const purposes = (...list: string[]) => new x509.ExtendedKeyUsageExtension(list)
const forClients = purposes(purpose.clientAuth)
const signs = usage(flag.digitalSignature)
const sans = (...names: x509.JsonGeneralNames) => new x509.SubjectAlternativeNameExtension(names)

interface Defect extends TestCertificateOptions {
  readonly kind?: Parameters<typeof makeTestKey>[0]
  /** Done to what is signed, afterwards. */
  readonly edit?: (fields: BaseBlock[]) => BaseBlock[]
}

const rsa = (modulusLength: number) => ({
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: 'SHA-256',
})

const isTagged = (block: BaseBlock, tag: number) => block.idBlock.tagClass === 3 && block.idBlock.tagNumber === tag

/** Each beside a sibling that differs in this alone. */
const defects = (
  [
    ['expired a day ago', 'expired', { notBefore: Date.now() - 9 * day, notAfter: Date.now() - day }],
    ['valid from tomorrow', 'not_yet_valid', { notBefore: Date.now() + day, notAfter: Date.now() + 9 * day }],
    ['an authority', 'is_authority', { extensions: [basic(true), signs, forClients] }],
    ['an authority without key usage', 'is_authority', { extensions: [basic(true), forClients] }],
    [
      'may sign certificates',
      'is_authority',
      { extensions: [basic(false), usage(flag.digitalSignature | flag.keyCertSign), forClients] },
    ],
    ['no extended key usage', 'purpose', { extensions: [basic(false), signs] }],
    ['for servers', 'purpose', { extensions: [basic(false), signs, purposes(purpose.serverAuth)] }],
    ['for signing code', 'purpose', { extensions: [basic(false), signs, purposes(purpose.codeSigning)] }],
    ['for any purpose', 'purpose', { extensions: [basic(false), signs, purposes('2.5.29.37.0')] }],
    [
      'for key encipherment',
      'key_usage',
      { extensions: [basic(false), usage(flag.keyEncipherment), forClients] },
      { extensions: [basic(false), usage(flag.keyEncipherment | flag.digitalSignature), forClients] },
    ],
    ['for revocation lists', 'key_usage', { extensions: [basic(false), usage(flag.cRLSign), forClients] }],
    ['for key agreement', 'key_usage', { extensions: [basic(false), usage(flag.keyAgreement), forClients] }],
    ['an RSA key of 1024 bits', 'weak_key', { kind: rsa(1024) }, { kind: rsa(2048) }],
    ['serial 0', 'serial', { edit: withSerial(0) }, { edit: withSerial(1) }],
    ['a serial of 21 octets', 'serial', { edit: withLongSerial(0x41, 20) }, { edit: withLongSerial(0x41, 19) }],
    [
      'a serial of 20 octets and one for the sign',
      'serial',
      { edit: withLongSerial(0, 0x80, 19) },
      { edit: withLongSerial(0, 0x80, 18) },
    ],
    ['serial −1', 'serial', { edit: withSerial(-1) }, { edit: withSerial(127) }],
    ['serial −32768', 'serial', { edit: withSerial(-32_768) }, { edit: withSerial(32_768) }],
    [
      'version 1',
      'version',
      { edit: (fields) => fields.filter((each) => !isTagged(each, 0) && !isTagged(each, 3)) },
      { edit: (fields) => fields },
    ],
    [
      'a critical extension of nobody’s',
      'extension',
      { extensions: [...usualExtensions(), new x509.Extension('1.3.6.1.4.1.55555.1', true, new Uint8Array([5, 0]))] },
      { extensions: [...usualExtensions(), new x509.Extension('1.3.6.1.4.1.55555.1', false, new Uint8Array([5, 0]))] },
    ],
    [
      'name constraints, critical as they must be',
      'extension',
      // permittedSubtrees: dNSName "x"
      {
        extensions: [
          ...usualExtensions(),
          new x509.Extension('2.5.29.30', true, new Uint8Array([48, 7, 160, 5, 48, 3, 130, 1, 120])),
        ],
      },
    ],
    [
      'policy constraints, critical as they must be',
      'extension',
      { extensions: [...usualExtensions(), new x509.Extension('2.5.29.36', true, new Uint8Array([48, 3, 128, 1, 0]))] },
    ],
  ] as const satisfies readonly (readonly [string, string, Defect, Defect?])[]
).map(([what, reason, defect, sibling = {}]) => ({ what, reason, defect, sibling }))

function withSerial(value: number): (fields: BaseBlock[]) => BaseBlock[] {
  return (fields) => fields.map((each, i) => (i === 1 ? new Integer({ value }) : each))
}

/** These first octets, and so many after them: the last of the numbers. */
function withLongSerial(...numbers: readonly number[]): (fields: BaseBlock[]) => BaseBlock[] {
  const [more = 0, ...first] = numbers.toReversed()
  const octets = Uint8Array.from([...first.toReversed(), ...Array<number>(more).fill(7)])
  return (fields) => fields.map((each, i) => (i === 1 ? new Integer({ valueHex: octets.buffer }) : each))
}

async function make(
  { kind, edit, ...options }: Defect,
  issuer?: TestCertificateOptions['issuer'],
): Promise<TestIdentity> {
  const key = await makeTestKey(kind)
  const certificate = await makeTestCertificate(key, issuer === undefined ? options : { ...options, issuer })
  return identityOf(
    key,
    edit === undefined ? certificate : await signAgain(certificate, issuer === undefined ? key : issuer.key, { edit }),
  )
}

describe.each([
  ['self-signed', (): TestCertificateOptions['issuer'] => undefined],
  ['issued by another authority', (): TestCertificateOptions['issuer'] => otherAuthority],
] as const)('%s', (_by, issuer) => {
  test.each(defects)('$what → $reason', async ({ reason, defect, sibling }) => {
    expect(await outcome(await make(defect, issuer()))).toBe(`401 ${reason}`)
    // With that mended there is nothing wrong with it but that it is nobody's.
    expect(await outcome(await make(sibling, issuer()))).toBe('401 unknown')
  })
})

describe('with every name of a good one', () => {
  const forged = (options: TestCertificateOptions): Promise<TestIdentity> => make(options)
  const uri = () => `${server.issuer}/clients/${clientId}`

  test.each([
    ['the client’s URI', () => forged({ extensions: [...usualExtensions(), sans({ type: 'url', value: uri() })] })],
    ['the client_id as its subject', () => forged({ subject: [{ CN: [clientId] }] })],
    [
      'subject, serial and URI',
      () =>
        forged({
          serialNumber: issued.serial,
          subject: [{ CN: [clientId] }],
          extensions: [...usualExtensions(), sans({ type: 'url', value: uri() })],
        }),
    ],
    [
      'two URIs, of both clients',
      () =>
        forged({
          extensions: [
            ...usualExtensions(),
            sans({ type: 'url', value: uri() }, { type: 'url', value: `${server.issuer}/clients/x` }),
          ],
        }),
    ],
    ['a comma in its name', () => forged({ subject: [{ CN: [`${clientId},O=Latchkey`] }] })],
    ['a NUL in its name', () => forged({ subject: [{ CN: [`${clientId}\0.example.com`] }] })],
    [
      'a NUL in its URI',
      () => forged({ extensions: [...usualExtensions(), sans({ type: 'url', value: `${uri()}\0x` })] }),
    ],
    ['a name of 8,000 characters', () => forged({ subject: [{ CN: ['x'.repeat(8000)] }] })],
    ['no subject at all', () => forged({ subject: [] })],
    ['an issuer that is called like ours', async () => make({}, await makeAuthority(await intermediateName()))],
    [
      'an issuer that is called like ours, and its serial',
      async () => make({ serialNumber: issued.serial }, await makeAuthority(await intermediateName())),
    ],
    [
      'our own leaf for an issuer',
      async () => make({}, { key: issued.testKey, certificate: new x509.X509Certificate(issued.cert) }),
    ],
  ])('%s: refused', async (_what, forge) => {
    expect(await outcome(await forge())).toBe('401 unknown')
    expect(await outcome(issued)).toBe('200')
  })

  async function intermediateName(): Promise<x509.JsonName> {
    return new x509.X509Certificate(issued.chain).subjectName.toJSON()
  }
})

describe('what comes with it', () => {
  const pems = () => issued.chain.match(/-----BEGIN[^]+?END CERTIFICATE-----\n/g) ?? []
  const leaf = () => issued.cert.slice(0, issued.cert.indexOf('-----END CERTIFICATE-----\n') + 26)
  const leafWith = (...others: readonly string[]): TestIdentity => ({
    key: issued.key,
    cert: [leaf(), ...others].join(''),
  })

  test.each([
    ['nothing', () => leafWith()],
    ['its chain', () => leafWith(...pems())],
    ['its chain in the wrong order', () => leafWith(...pems().toReversed())],
    ['its chain twice', () => leafWith(...pems(), ...pems())],
    ['the root alone', () => leafWith(pems()[1] ?? '')],
    ['another client’s certificate', () => leafWith(another.cert)],
    ['a stranger’s authority before its own', () => leafWith(pemOf(otherAuthority.certificate), ...pems())],
    ['itself again', () => leafWith(leaf())],
  ])('a good certificate with %s: taken', async (_what, identity) => {
    expect(await outcome(identity())).toBe('200')
  })

  test.each([
    ['a good certificate and its chain', () => issued.cert],
    ['the good certificate of another client', () => another.cert],
    ['our authority', () => pems().join('')],
    ['its own authority and ours', () => pemOf(otherAuthority.certificate) + pems().join('')],
  ])('a stranger’s certificate with %s behind it: refused', async (_what, behind) => {
    const own = await make({}, otherAuthority)
    expect(await outcome({ key: own.key, cert: own.cert + behind() })).toBe('401 unknown')
  })

  test('another client’s own: refused, and told apart', async () => {
    expect(await outcome(another)).toBe('401 of_another_client')
  })

  test('one that was revoked: refused, and its sibling is taken', async () => {
    const revoked = await issueTo(admin, clientId)
    expect(await outcome(revoked)).toBe('200')
    await admin('POST', `/certificates/${revoked.serial}/revoke`, { body: { reason: 'keyCompromise' } })
    expect(await outcome(revoked)).toBe('401 revoked')
    expect(await outcome(issued)).toBe('200')
  })
})

describe('with a key that is not what it should be', () => {
  const spki = (der: Buffer) => (fields: BaseBlock[]) =>
    fields.map((each, i) => (i === 6 ? fromBER(new Uint8Array(der)).result : each))

  /** With this public key in it, signed by another authority, and with the private key that belongs to it. */
  async function withKey(der: Buffer, privateKey: KeyObject): Promise<TestIdentity> {
    const certificate = await makeTestCertificate(await makeTestKey(), { issuer: otherAuthority })
    const edited = await signAgain(certificate, otherAuthority.key, { edit: spki(der) })
    return { cert: pemOf(edited), key: privateKey.export({ format: 'pem', type: 'pkcs8' }) }
  }

  const { publicKey: p256, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const goodDer = p256.export({ format: 'der', type: 'spki' })

  test('P-224 and secp256k1: refused as weak, beside P-384', async () => {
    for (const [namedCurve, expected] of [
      ['secp224r1', /^401 weak_key$|alert|handshake|sigalg|signature/],
      ['secp256k1', /^401 weak_key$|alert|handshake|sigalg|signature/],
      ['secp384r1', /^401 unknown$/],
    ] as const) {
      const pair = generateKeyPairSync('ec', { namedCurve })
      const identity = await withKey(pair.publicKey.export({ format: 'der', type: 'spki' }), pair.privateKey)
      expect(await outcomeOrError({ ...identity, ...beforeTls13 })).toMatch(expected)
    }
  })

  test('explicit parameters instead of the name of the curve: refused', async () => {
    const explicit = generateKeyPairSync('ec', { namedCurve: 'prime256v1', paramEncoding: 'explicit' })
    const identity = await withKey(explicit.publicKey.export({ format: 'der', type: 'spki' }), explicit.privateKey)
    expect(await outcomeOrError({ ...identity, ...beforeTls13 })).toBe('401 weak_key')
  })

  test('a point off its curve: no program sends it, and it cannot be registered; its sibling can', async () => {
    const broken = Buffer.from(goodDer)
    broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1
    const off = await withKey(broken, privateKey)
    await expect(outcome(off)).rejects.toThrow()
    const { clientId: own } = await createClientOver(admin, 'self-signed-mtls')
    const register = ({ cert }: TestIdentity) =>
      admin('POST', `/clients/${own}/registered-keys`, { body: { certificate: cert } })
    expect((await register(off)).body).toMatchObject({ reason: 'certificate.unsuitable' })
    expect((await register(await withKey(goodDer, privateKey))).status).toBe(201)
  })

  test('the key of another than the one in it: no handshake', async () => {
    const good = await withKey(goodDer, privateKey)
    await expect(outcome({ ...good, key: issued.key })).rejects.toThrow(/key values mismatch/)
    expect(await outcome(good)).toBe('401 unknown')
  })

  /** TLS 1.3 signs with three curves only; 1.2 takes others. */
  const beforeTls13 = { maxVersion: 'TLSv1.2' }
  const outcomeOrError = (identity: TestIdentity) =>
    outcome(identity).catch((error: unknown) => (error instanceof Error ? error.message : String(error)))
})

describe('made to be hard to read', () => {
  test('an extension of 50,000 octets: refused; of 100,000: TLS takes no more', async () => {
    const huge = (length: number) => new x509.Extension('1.3.6.1.4.1.55555.2', false, new Uint8Array(length))
    expect(await outcome(await make({ extensions: [...usualExtensions(), huge(50_000)] }))).toBe('401 unreadable')
    expect(await outcome(await make({ extensions: [...usualExtensions(), huge(5000)] }))).toBe('401 unknown')
    await expect(outcome(await make({ extensions: [...usualExtensions(), huge(110_000)] }))).rejects.toThrow()
    expect(await outcome(issued)).toBe('200')
  })

  test.each([
    ['10,000 sequences in each other', () => nested(10_000)],
    ['100 sequences in each other', () => nested(100)],
    ['5,000 empty sequences', () => sequence(Buffer.alloc(10_000).fill(Buffer.of(48, 0)))],
    ['a length that is not there', () => Buffer.of(48, 132, 255, 255, 255, 255)],
    ['an indefinite length', () => Buffer.of(48, 128, 5, 0, 0, 0)],
  ])('an extension of %s: refused at once', async (_what, value) => {
    const extension = new x509.Extension('1.3.6.1.4.1.55555.2', false, new Uint8Array(value()))
    expect(await outcome(await make({ extensions: [...usualExtensions(), extension] }))).toMatch(/^401 /)
    expect(await outcome(issued)).toBe('200')
  })

  test('an extension of the profile with another’s content: refused', async () => {
    for (const type of ['2.5.29.15', '2.5.29.19', '2.5.29.37']) {
      const others = usualExtensions().filter((each) => each.type !== type)
      const broken = new x509.Extension(type, true, new Uint8Array([4, 1, 0]))
      expect(await outcome(await make({ extensions: [...others, broken] }))).toMatch(/^401 /)
    }
  })

  test('the same extension twice, once for clients and once for servers: refused', async () => {
    const twice = [...usualExtensions(), purposes(purpose.serverAuth)]
    expect(await outcome(await make({ extensions: twice }))).toBe('401 extension')
  })

  function sequence(content: Buffer): Buffer {
    const { length } = content
    const head =
      length < 128 ? [48, length] : length < 256 ? [48, 129, length] : [48, 130, Math.floor(length / 256), length % 256]
    return length < 65_536
      ? Buffer.concat([Buffer.from(head), content])
      : Buffer.concat([
          Buffer.of(48, 131, Math.floor(length / 65_536), Math.floor(length / 256) % 256, length % 256),
          content,
        ])
  }

  function nested(depth: number): Buffer {
    let der: Buffer = Buffer.alloc(0)
    for (let i = 0; i < depth; i++) der = sequence(der)
    return der
  }
})
