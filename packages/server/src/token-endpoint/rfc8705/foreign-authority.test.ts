import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import {
  BmpString,
  Integer,
  Null,
  ObjectIdentifier,
  PrintableString,
  Sequence,
  Set as Asn1Set,
  TeletexString,
  UniversalString,
  Utf8String,
  type BaseBlock,
} from 'asn1js'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { adminSender, expectProblem, type SendAdmin } from '../../admin-api/testing/admin-request.ts'
import {
  keyPem,
  makeTestCertificate,
  makeTestKey,
  pemOf,
  signAgain,
  usualExtensions,
  x509,
  type KeyKind,
  type SigningAnew,
  type TestCertificateOptions,
  type TestIdentity,
  type TestKey,
} from '../../testing/certificates.ts'
import { createClientOver, issueTo, postMtls, startMtlsServer, type MtlsAnswer } from '../../testing/mtls-server.ts'
import type { TestServer } from '../../testing/start-test-server.ts'

/*
 * Certificates of an authority that is not ours (RFC 8705 §2.1): which lead to the registered anchor, and which have the registered name. Each over a real connection; what is
 * taken has to be good to OpenSSL as well.
 */

let server: TestServer
let admin: SendAdmin
let pki: Pki
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'latchkey-foreign-'))
  server = await startMtlsServer()
  admin = adminSender(server.adminSocket)
  await server.registerApi('configurations', ['read'])
  pki = await makePki()
})
afterAll(async () => {
  await server.dispose()
  rmSync(folder, { recursive: true })
})

const { KeyUsageFlags: flag, ExtendedKeyUsage: purpose } = x509
const day = 86_400_000
const dnsName = 'billing.acme.example'

interface Made {
  readonly key: TestKey
  readonly certificate: x509.X509Certificate
}

interface Making extends TestCertificateOptions, SigningAnew {
  readonly kind?: KeyKind
}

async function make({ kind, edit, hash, beside, ...options }: Making): Promise<Made> {
  const key = await makeTestKey(kind)
  const certificate = await makeTestCertificate(key, options)
  const isEdited = edit !== undefined || hash !== undefined || beside !== undefined
  const anew = { ...(edit && { edit }), ...(hash && { hash }), ...(beside && { beside }) }
  return { key, certificate: isEdited ? await signAgain(certificate, options.issuer?.key ?? key, anew) : certificate }
}

const names = (...list: x509.JsonGeneralNames) => new x509.SubjectAlternativeNameExtension(list)
const basic = (isAuthority: boolean, pathLength?: number) =>
  new x509.BasicConstraintsExtension(isAuthority, pathLength, true)
const usage = (flags: x509.KeyUsageFlags) => new x509.KeyUsagesExtension(flags, true)
const authorityExtensions = (pathLength?: number, ...more: x509.Extension[]) => [
  basic(true, pathLength),
  usage(flag.keyCertSign | flag.cRLSign),
  ...more,
]

const makeCa = (name: string, issuer?: Made, options: Making = {}): Promise<Made> =>
  make({
    subject: [{ CN: [name] }],
    extensions: authorityExtensions(),
    notAfter: Date.now() + 30 * day,
    ...(issuer && { issuer }),
    ...options,
  })

const makeLeaf = (issuer: Made, options: Making = {}): Promise<Made> =>
  make({ issuer, extensions: [...usualExtensions(), names({ type: 'dns', value: dnsName })], ...options })

interface Pki {
  readonly root: Made
  readonly intermediate: Made
  readonly leaf: Made
}

async function makePki(): Promise<Pki> {
  const root = await makeCa('Acme root')
  const intermediate = await makeCa('Acme clients', root)
  return { root, intermediate, leaf: await makeLeaf(intermediate) }
}

async function identity({ key, certificate }: Made, ...behind: readonly Made[]): Promise<TestIdentity> {
  return { key: await keyPem(key), cert: [certificate, ...behind.map((one) => one.certificate)].map(pemOf).join('') }
}

const anchorOf = (...made: readonly Made[]) => made.map(({ certificate }) => pemOf(certificate)).join('')

interface Registered {
  readonly clientId: string
  readonly id: string
}

/** A client that is registered so. */
async function registered(body: Record<string, string>): Promise<Registered> {
  const { clientId } = await createClientOver(admin, 'mtls')
  const answer = await admin('POST', `/clients/${clientId}/registered-subjects`, { body })
  if (answer.status !== 201) throw new Error(answer.text)
  return { clientId, id: String(answer.body['id']) }
}

const underRoot = (body: Record<string, string> = { san_dns: dnsName }) =>
  registered({ anchor: anchorOf(pki.root), ...body })

/** A client that would use a weak key. */
const anyKey = { ciphers: 'DEFAULT@SECLEVEL=0' }

function token(clientId: string, own: TestIdentity, agent?: Agent): Promise<MtlsAnswer> {
  server.clock.advance(1500)
  const form = { grant_type: 'client_credentials', client_id: clientId }
  return postMtls(server, '/oauth2/token', form, {
    identity: { ...own, ...anyKey },
    ...(agent && { agent }),
  })
}

/** The status, and the reason where it was refused. */
async function outcome(clientId: string, own: TestIdentity, agent?: Agent): Promise<string> {
  const answer = await token(clientId, own, agent)
  if (answer.status === 200) return '200'
  expect(answer.json()).toEqual({ error: 'invalid_client', error_description: 'client authentication failed' })
  const { items } = await server.services.audit.list({ limit: 1, event: 'token.denied' })
  return `${answer.status} ${String(items[0]?.details['reason']).replace('authentication.certificate_', '')}`
}

const run = promisify(execFile)
const hasOpenssl = await run('openssl', ['version']).then(
  ({ stdout }) => stdout.startsWith('OpenSSL 3'),
  () => false,
)

let files = 0
/** Whether OpenSSL finds a way from this certificate to the anchor, for a client. */
async function opensslVerifies(anchor: Made, leaf: Made, behind: readonly Made[]): Promise<boolean> {
  const [anchorFile, leafFile, others] = [anchorOf(anchor), anchorOf(leaf), anchorOf(...behind)].map((pem) => {
    const file = path.join(folder, `${files++}.pem`)
    writeFileSync(file, pem)
    return file
  })
  const untrusted = behind.length === 0 ? [] : ['-untrusted', String(others)]
  const at = ['-attime', String(Math.floor(server.clock.now() / 1000))]
  const args = ['-partial_chain', '-purpose', 'sslclient', ...at, '-CAfile', String(anchorFile), ...untrusted]
  return run('openssl', ['verify', '-no-CApath', '-no-CAstore', ...args, String(leafFile)]).then(
    () => true,
    () => false,
  )
}

test('a certificate of the registered authority with the registered name gets a token that is bound to it (§2.1)', async () => {
  const { clientId } = await underRoot()
  const own = await identity(pki.leaf, pki.intermediate)
  const answer = await token(clientId, own)
  expect(answer.status).toBe(200)
  const claims = decodeJwt(answer.json<{ access_token: string }>().access_token)
  expect(claims['cnf']).toHaveProperty(['x5t#S256'])
  expect(Object.keys(claims['lk_credentials'] as object)).toHaveLength(1)
  const shown = await admin('GET', `/clients/${clientId}`)
  expect(shown.body['registered_subjects']).toMatchObject([{ kind: 'san_dns', subject: dnsName, state: 'active' }])
})

describe('what comes with it, in any order', () => {
  test.each<[string, (other: Made) => readonly Made[], string]>([
    ['its intermediate', () => [pki.intermediate], '200'],
    ['intermediate and root', () => [pki.intermediate, pki.root], '200'],
    ['root and intermediate', () => [pki.root, pki.intermediate], '200'],
    ['a stranger’s before its own', (other) => [other, pki.intermediate], '200'],
    ['itself, its intermediate and its intermediate', () => [pki.leaf, pki.intermediate, pki.intermediate], '200'],
    ['nothing', () => [], '401 issuer_unknown'],
    ['its root alone', () => [pki.root], '401 issuer_unknown'],
    ['a stranger’s alone', (other) => [other], '401 issuer_unknown'],
  ])('%s', async (_what, behind, expected) => {
    const { clientId } = await underRoot()
    const other = await makeCa('Somebody else')
    expect(await outcome(clientId, await identity(pki.leaf, ...behind(other)))).toBe(expected)
  })

  test('intermediates that were registered with the anchor need not come', async () => {
    const { clientId } = await registered({ san_dns: dnsName, anchor: anchorOf(pki.root, pki.intermediate) })
    expect(await outcome(clientId, await identity(pki.leaf))).toBe('200')
  })

  test('an intermediate as the anchor: no other of the same root is taken', async () => {
    const { clientId } = await registered({ san_dns: dnsName, anchor: anchorOf(pki.intermediate) })
    expect(await outcome(clientId, await identity(pki.leaf))).toBe('200')
    const sister = await makeCa('Acme others', pki.root)
    const leaf = await makeLeaf(sister)
    expect(await outcome(clientId, await identity(leaf, sister, pki.root))).toBe('401 issuer_unknown')
    expect(await outcome((await underRoot()).clientId, await identity(leaf, sister, pki.root))).toBe('200')
  })

  test('two intermediates of one name and key, of which one leads to the anchor', async () => {
    const otherRoot = await makeCa('Another root')
    const cross = await makeTestCertificate(pki.intermediate.key, {
      subject: [{ CN: ['Acme clients'] }],
      extensions: authorityExtensions(),
      issuer: otherRoot,
    })
    const crossed = { key: pki.intermediate.key, certificate: cross }
    const { clientId } = await underRoot()
    expect(await outcome(clientId, await identity(pki.leaf, crossed, pki.intermediate))).toBe('200')
    // Another registration: for this one the certificate has been verified.
    const fresh = await underRoot()
    expect(await outcome(fresh.clientId, await identity(pki.leaf, crossed, otherRoot))).toBe('401 issuer_unknown')
  })

  test.each([
    [32, '200'],
    [33, '401 unreadable'],
  ])('an authority with %i names of one kind, which are compared each with each', async (count, expected) => {
    const list = (values: readonly string[]) =>
      values.map((value) => new Sequence({ value: [new ObjectIdentifier({ value: '2.5.4.11' }), utf8(value)] }))
    const utf8 = (value: string) => new Utf8String({ value })
    const values = Array.from({ length: count }, (_, i) => `unit ${i}`)
    const nameOf = (these: readonly string[]) => new Sequence({ value: [new Asn1Set({ value: list(these) })] })
    const put = (field: number, name: BaseBlock) => (fields: BaseBlock[]) =>
      fields.map((each, i) => (i === field ? name : each))
    const authority = await makeCa('Units', pki.root, { edit: put(5, nameOf(values)) })
    const leaf = await makeLeaf(authority, { edit: put(3, nameOf(values)) })
    const { clientId } = await underRoot()
    expect(await outcome(clientId, await identity(leaf, authority))).toBe(expected)
  })

  test('authorities that certify each other lead nowhere, and eleven certificates or eighty are not looked at', async () => {
    const first = await makeCa('Circle one')
    const second = await makeCa('Circle two', first)
    const again = {
      key: first.key,
      certificate: await makeTestCertificate(first.key, {
        subject: [{ CN: ['Circle one'] }],
        extensions: authorityExtensions(),
        issuer: second,
      }),
    }
    const leaf = await makeLeaf(second)
    const { clientId } = await underRoot()
    expect(await outcome(clientId, await identity(leaf, again, second))).toBe('401 issuer_unknown')
    expect(await outcome(clientId, await identity(leaf, second, again, second, again))).toBe('401 issuer_unknown')
    const many = (count: number) => Array.from({ length: count }, () => again)
    expect(await outcome(clientId, await identity(pki.leaf, pki.intermediate, ...many(10)))).toBe('401 chain_limit')
    expect(await outcome(clientId, await identity(pki.leaf, pki.intermediate, ...many(80)))).toBe('401 chain_limit')
    expect(await outcome(clientId, await identity(pki.leaf, pki.intermediate, ...many(9)))).toBe('200')
    // A thousand never arrive: TLS takes 100 kB of certificates (SSL_MAX_CERT_LIST_DEFAULT).
    await expect(token(clientId, await identity(pki.leaf, ...many(1000)))).rejects.toThrow(
      /ECONNRESET|EPIPE|socket hang up|alert/,
    )
    expect(await outcome(clientId, await identity(pki.leaf, pki.intermediate))).toBe('200')
  })
})

const rsa = (modulusLength: number, hash = 'SHA-256') => ({
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash,
})
const ecdsaWith = (last: number) =>
  new Sequence({ value: [new ObjectIdentifier({ value: `1.2.840.10045.4.3.${last}` })] })
const unknownExtension = (critical: boolean) =>
  new x509.Extension('1.3.6.1.4.1.55555.1', critical, new Uint8Array([5, 0]))
const replaceAlgorithm = (algorithm: BaseBlock) => (fields: BaseBlock[]) =>
  fields.map((field, i) => (i === 2 ? algorithm : field))

/** Subtrees of one kind, DER: `[0]` permitted, `[1]` excluded, each with the bytes of a GeneralName. */
function constraints(kind: 'permitted' | 'excluded', tag: number, ...contents: (string | readonly number[])[]) {
  const wrap = (head: number, content: Buffer) => Buffer.concat([Buffer.of(head, content.length), content])
  const subtrees = contents.map((content) =>
    wrap(
      0x30,
      wrap(tag === 4 ? 0xa4 : 0x80 + tag, typeof content === 'string' ? Buffer.from(content) : Buffer.from(content)),
    ),
  )
  const list = wrap(0x30, wrap(kind === 'permitted' ? 0xa0 : 0xa1, Buffer.concat(subtrees)))
  return new x509.Extension('2.5.29.30', true, new Uint8Array(list))
}

const directory = (commonName: string): readonly number[] => [
  ...new Uint8Array(new x509.Name([{ CN: [commonName] }]).toArrayBuffer()),
]

interface Way {
  readonly what: string
  readonly reason: string
  /** Of the intermediate. */
  readonly intermediate?: Making
  readonly leaf?: Making
  /** Beside it: the same with this, which is taken. */
  readonly sibling?: { readonly intermediate?: Making; readonly leaf?: Making }
  /** What OpenSSL lets through and we do not. */
  readonly opensslTakesIt?: true
}

const leafNamed = (...list: x509.JsonGeneralNames): Making => ({
  extensions: [...usualExtensions(), names({ type: 'dns', value: dnsName }, ...list)],
})
const constrained = (...args: Parameters<typeof constraints>): Making => ({
  extensions: authorityExtensions(undefined, constraints(...args)),
})

/** What can be wrong on the way, each beside a sibling that differs in this alone. */
const ways: readonly Way[] = [
  {
    what: 'an intermediate that has expired',
    reason: 'chain_expired',
    intermediate: { notBefore: Date.now() - 9 * day, notAfter: Date.now() - day },
  },
  {
    what: 'an intermediate of tomorrow',
    reason: 'chain_not_yet_valid',
    intermediate: { notBefore: Date.now() + day, notAfter: Date.now() + 9 * day },
  },
  {
    what: 'an intermediate that is no authority',
    reason: 'chain_not_authority',
    intermediate: { extensions: [basic(false), usage(flag.keyCertSign)] },
  },
  {
    what: 'an intermediate without basic constraints',
    reason: 'chain_not_authority',
    intermediate: { extensions: [usage(flag.keyCertSign)] },
  },
  {
    what: 'an intermediate that may not sign certificates',
    reason: 'chain_not_authority',
    intermediate: { extensions: [basic(true), usage(flag.cRLSign | flag.digitalSignature)] },
  },
  {
    what: 'an intermediate of version 1',
    reason: 'chain_not_authority',
    intermediate: { edit: (fields) => fields.filter(({ idBlock }) => idBlock.tagClass !== 3) },
    sibling: { intermediate: { edit: (fields) => fields } },
  },
  {
    what: 'an intermediate for servers',
    reason: 'chain_purpose',
    intermediate: {
      extensions: authorityExtensions(undefined, new x509.ExtendedKeyUsageExtension([purpose.serverAuth])),
    },
    sibling: {
      intermediate: {
        extensions: authorityExtensions(
          undefined,
          new x509.ExtendedKeyUsageExtension([purpose.serverAuth, purpose.clientAuth]),
        ),
      },
    },
  },
  {
    what: 'an intermediate with a critical extension of nobody’s',
    reason: 'chain_extension',
    intermediate: { extensions: authorityExtensions(undefined, unknownExtension(true)) },
    sibling: { intermediate: { extensions: authorityExtensions(undefined, unknownExtension(false)) } },
  },
  {
    what: 'an intermediate that demands policies',
    reason: 'chain_extension',
    intermediate: {
      extensions: authorityExtensions(
        undefined,
        new x509.Extension('2.5.29.36', true, new Uint8Array([48, 3, 128, 1, 0])),
      ),
    },
    opensslTakesIt: true,
  },
  {
    what: 'an intermediate with an extension twice',
    reason: 'chain_extension',
    intermediate: { extensions: authorityExtensions(undefined, unknownExtension(false), unknownExtension(false)) },
    opensslTakesIt: true,
  },
  {
    what: 'an intermediate with an RSA key of 1024 bits',
    reason: 'chain_weak_key',
    intermediate: { kind: rsa(1024) },
    sibling: { intermediate: { kind: rsa(2048) } },
    opensslTakesIt: true,
  },
  {
    what: 'a leaf that is signed with SHA-1',
    reason: 'chain_algorithm',
    intermediate: { kind: rsa(2048, 'SHA-1') },
    sibling: { intermediate: { kind: rsa(2048, 'SHA-384') } },
    opensslTakesIt: true,
  },
  {
    what: 'an intermediate that is signed with SHA-1',
    reason: 'chain_algorithm',
    intermediate: {
      edit: replaceAlgorithm(new Sequence({ value: [new ObjectIdentifier({ value: '1.2.840.10045.4.1' })] })),
      beside: new Sequence({ value: [new ObjectIdentifier({ value: '1.2.840.10045.4.1' })] }),
      hash: 'sha1',
    },
    sibling: { intermediate: { edit: replaceAlgorithm(ecdsaWith(4)), beside: ecdsaWith(4), hash: 'sha512' } },
    opensslTakesIt: true,
  },
  {
    what: 'a leaf that is signed with MD5',
    reason: 'chain_algorithm',
    intermediate: { kind: rsa(2048) },
    leaf: {
      edit: replaceAlgorithm(
        new Sequence({ value: [new ObjectIdentifier({ value: '1.2.840.113549.1.1.4' }), new Null()] }),
      ),
      beside: new Sequence({ value: [new ObjectIdentifier({ value: '1.2.840.113549.1.1.4' }), new Null()] }),
      hash: 'md5',
    },
    sibling: { intermediate: { kind: rsa(2048) } },
    opensslTakesIt: true,
  },
  {
    what: 'another algorithm inside than beside the signature',
    reason: 'chain_signature',
    leaf: { beside: ecdsaWith(3) },
    sibling: { leaf: { edit: replaceAlgorithm(ecdsaWith(3)), beside: ecdsaWith(3), hash: 'sha384' } },
  },
  {
    what: 'a signature with another hash than it says',
    reason: 'chain_signature',
    leaf: { hash: 'sha384' },
    sibling: { leaf: { hash: 'sha256' } },
  },
  {
    what: 'names of hosts elsewhere',
    reason: 'name_constraints',
    intermediate: constrained('permitted', 2, 'other.example'),
    sibling: { intermediate: constrained('permitted', 2, 'other.example', 'acme.example') },
  },
  {
    what: 'a second name of a host elsewhere',
    reason: 'name_constraints',
    intermediate: constrained('permitted', 2, 'acme.example'),
    leaf: leafNamed({ type: 'dns', value: 'acme.example.org' }),
    sibling: {
      intermediate: constrained('permitted', 2, 'acme.example'),
      leaf: leafNamed({ type: 'dns', value: 'ACME.example' }),
    },
  },
  {
    what: 'a host whose name only ends alike',
    reason: 'name_constraints',
    intermediate: constrained('permitted', 2, 'acme.example'),
    leaf: leafNamed({ type: 'dns', value: 'notacme.example' }),
  },
  {
    what: 'an excluded host',
    reason: 'name_constraints',
    intermediate: constrained('excluded', 2, 'billing.acme.example'),
    sibling: { intermediate: constrained('excluded', 2, 'sales.acme.example') },
  },
  {
    what: 'a URI of another host',
    reason: 'name_constraints',
    intermediate: constrained('permitted', 6, '.acme.example'),
    leaf: leafNamed({ type: 'url', value: 'https://acme.example.org/x' }),
    sibling: {
      intermediate: constrained('permitted', 6, '.acme.example'),
      leaf: leafNamed({ type: 'url', value: 'https://a.acme.example/x' }),
    },
  },
  {
    what: 'a URI without a host under constraints',
    reason: 'name_constraints',
    intermediate: constrained('permitted', 6, '.acme.example'),
    leaf: leafNamed({ type: 'url', value: 'urn:acme:billing' }),
  },
  {
    what: 'a URI that hides its host behind a name',
    reason: 'name_constraints',
    intermediate: constrained('permitted', 6, 'a.acme.example'),
    leaf: leafNamed({ type: 'url', value: 'https://a.acme.example@evil.example/' }),
    sibling: {
      intermediate: constrained('permitted', 6, 'a.acme.example'),
      leaf: leafNamed({ type: 'url', value: 'https://a.acme.example:8443/@evil.example' }),
    },
  },
  {
    what: 'an address outside the network',
    reason: 'name_constraints',
    intermediate: constrained('permitted', 7, [10, 1, 0, 0, 255, 255, 0, 0]),
    leaf: leafNamed({ type: 'ip', value: '10.2.0.1' }),
    sibling: {
      intermediate: constrained('permitted', 7, [10, 1, 0, 0, 255, 255, 0, 0]),
      leaf: leafNamed({ type: 'ip', value: '10.1.0.1' }),
    },
  },
  {
    what: 'a mailbox elsewhere',
    reason: 'name_constraints',
    intermediate: constrained('permitted', 1, 'acme.example'),
    leaf: leafNamed({ type: 'email', value: 'a@b.acme.example' }),
    sibling: {
      intermediate: constrained('permitted', 1, 'acme.example'),
      leaf: leafNamed({ type: 'email', value: 'a@acme.example' }),
    },
  },
  {
    what: 'a mailbox elsewhere, in the subject',
    reason: 'name_constraints',
    intermediate: constrained('permitted', 1, 'acme.example'),
    leaf: { subject: [{ E: ['a@b.example'] }] },
    sibling: {
      intermediate: constrained('permitted', 1, 'acme.example'),
      leaf: { subject: [{ E: ['a@acme.example'] }] },
    },
  },
  {
    what: 'a subject outside the directory',
    reason: 'name_constraints',
    intermediate: constrained('permitted', 4, directory('Acme')),
    leaf: { subject: [{ CN: ['Other'] }, { OU: ['x'] }] },
    sibling: {
      intermediate: constrained('permitted', 4, directory('Acme')),
      leaf: { subject: [{ CN: ['Acme'] }, { OU: ['x'] }] },
    },
  },
  {
    what: 'constraints for names of a kind that nobody reads',
    reason: 'issuer_unknown',
    intermediate: constrained('excluded', 8, [0x2a, 0x03]),
    opensslTakesIt: true,
  },
  {
    what: 'a leaf that is an authority',
    reason: 'is_authority',
    leaf: {
      extensions: [
        basic(true),
        usage(flag.digitalSignature | flag.keyCertSign),
        new x509.ExtendedKeyUsageExtension([purpose.clientAuth]),
        names({ type: 'dns', value: dnsName }),
      ],
    },
    opensslTakesIt: true,
  },
  {
    what: 'a leaf without a purpose',
    reason: 'purpose',
    leaf: { extensions: [basic(false), usage(flag.digitalSignature), names({ type: 'dns', value: dnsName })] },
    opensslTakesIt: true,
  },
  {
    what: 'a leaf that has expired',
    reason: 'expired',
    leaf: { notBefore: Date.now() - 9 * day, notAfter: Date.now() - day },
  },
  {
    what: 'a leaf with a weak key',
    reason: 'weak_key',
    leaf: { kind: rsa(1024) },
    sibling: { leaf: { kind: rsa(2048) } },
    opensslTakesIt: true,
  },
  {
    what: 'a leaf with serial 0',
    reason: 'serial',
    leaf: { edit: (fields) => fields.map((each, i) => (i === 1 ? new Integer({ value: 0 }) : each)) },
    sibling: { leaf: { edit: (fields) => fields.map((each, i) => (i === 1 ? new Integer({ value: 1 }) : each)) } },
    opensslTakesIt: true,
  },
]

describe('on the way to the anchor', () => {
  test.each(ways)('$what → $reason', async ({ reason, intermediate, leaf, sibling = {}, opensslTakesIt }) => {
    const { clientId } = await underRoot()
    const bad = await way({ ...(intermediate && { intermediate }), ...(leaf && { leaf }) })
    expect(await outcome(clientId, await identity(bad.leaf, bad.intermediate))).toBe(`401 ${reason}`)
    const good = await way(sibling)
    expect(await outcome(clientId, await identity(good.leaf, good.intermediate))).toBe('200')
    if (!hasOpenssl) return
    expect(await opensslVerifies(pki.root, good.leaf, [good.intermediate])).toBe(true)
    expect(await opensslVerifies(pki.root, bad.leaf, [bad.intermediate])).toBe(opensslTakesIt === true)
  })

  async function way(options: { intermediate?: Making; leaf?: Making }) {
    const intermediate = await makeCa('Acme clients', pki.root, options.intermediate)
    const { subject, ...more } = options.leaf ?? {}
    const leaf = await makeLeaf(intermediate, { ...more, ...(subject && { subject }) })
    return { intermediate, leaf }
  }

  test('more authorities than pathlen allows, of an intermediate and of the anchor itself', async () => {
    const narrow = await makeCa('Acme clients', pki.root, { extensions: authorityExtensions(0) })
    const below = await makeCa('Acme below', narrow)
    const { clientId } = await underRoot()
    expect(await outcome(clientId, await identity(await makeLeaf(narrow), narrow))).toBe('200')
    expect(await outcome(clientId, await identity(await makeLeaf(below), below, narrow))).toBe('401 chain_too_long')
    const root = await makeCa('Narrow root', undefined, { extensions: authorityExtensions(0) })
    const own = await registered({ san_dns: dnsName, anchor: anchorOf(root) })
    const under = await makeCa('Under it', root)
    expect(await outcome(own.clientId, await identity(await makeLeaf(root)))).toBe('200')
    expect(await outcome(own.clientId, await identity(await makeLeaf(under), under))).toBe('401 chain_too_long')
  })

  test('constraints of the anchor, and of one two steps above', async () => {
    const root = await makeCa('Confined root', undefined, {
      extensions: authorityExtensions(undefined, constraints('permitted', 2, 'acme.example')),
    })
    const middle = await makeCa('Middle', root)
    const lower = await makeCa('Lower', middle)
    const { clientId } = await registered({ san_dns: dnsName, anchor: anchorOf(root) })
    expect(await outcome(clientId, await identity(await makeLeaf(lower), lower, middle))).toBe('200')
    const outside = await makeLeaf(lower, leafNamed({ type: 'dns', value: 'x.example' }))
    expect(await outcome(clientId, await identity(outside, lower, middle))).toBe('401 name_constraints')
  })

  test('an intermediate with the name of the right one and another key', async () => {
    const impostor = await makeCa('Acme clients', await makeCa('Acme root'))
    const { clientId } = await underRoot()
    const forged = await identity(await makeLeaf(impostor), impostor, pki.root)
    expect(await outcome(clientId, forged)).toBe('401 chain_signature')
    // The leaf of the impostor, with the real intermediate.
    expect(await outcome(clientId, await identity(await makeLeaf(impostor), pki.intermediate))).toBe(
      '401 chain_signature',
    )
  })

  test('a certificate of ours, and the authority’s own, are no way in', async () => {
    const { clientId } = await underRoot()
    const other = await createClientOver(admin, 'mtls')
    expect(await outcome(clientId, await issueTo(admin, other.clientId))).toBe('401 of_another_client')
    expect(await outcome(clientId, await identity(pki.root))).toBe('401 is_authority')
    expect(await outcome(clientId, await identity(pki.intermediate, pki.root))).toBe('401 is_authority')
    // One of its own that this server issued is taken all the same.
    expect(await outcome(clientId, await issueTo(admin, clientId))).toBe('200')
  })
})

/** A subject of these relative names, each a list of attributes. */
function subjectOf(...parts: readonly (readonly (readonly [oid: string, value: BaseBlock])[])[]): Making {
  const subject = new Sequence({
    value: parts.map(
      (attributes) =>
        new Asn1Set({
          value: attributes.map(
            ([oid, value]) => new Sequence({ value: [new ObjectIdentifier({ value: oid }), value] }),
          ),
        }),
    ),
  })
  return { edit: (fields) => fields.map((each, i) => (i === 5 ? subject : each)) }
}

const [cn, o, ou, c] = ['2.5.4.3', '2.5.4.10', '2.5.4.11', '2.5.4.6'] as const
const utf8 = (value: string) => new Utf8String({ value })
const printable = (value: string) => new PrintableString({ value })

describe('the subject (§2.1.2, RFC 4514, RFC 5280 §7.1)', () => {
  const acme = 'CN=billing,O=Acme\\, Inc.,C=DE'
  test.each<[what: string, registeredAs: string, subject: Making, expected: '200' | '401 other_subject']>([
    ['the same', acme, subjectOf([[c, printable('DE')]], [[o, utf8('Acme, Inc.')]], [[cn, utf8('billing')]]), '200'],
    [
      'another string type',
      acme,
      subjectOf([[c, utf8('DE')]], [[o, printable('Acme, Inc.')]], [[cn, printable('billing')]]),
      '200',
    ],
    [
      'other letter case and spaces',
      acme,
      subjectOf([[c, printable('de')]], [[o, utf8(' ACME,  inc.')]], [[cn, utf8('Billing ')]]),
      '200',
    ],
    [
      'the order turned round',
      acme,
      subjectOf([[cn, utf8('billing')]], [[o, utf8('Acme, Inc.')]], [[c, printable('DE')]]),
      '401 other_subject',
    ],
    [
      'one more at the end',
      acme,
      subjectOf([[c, printable('DE')]], [[o, utf8('Acme, Inc.')]], [[cn, utf8('billing')]], [[cn, utf8('x')]]),
      '401 other_subject',
    ],
    [
      'one more before it',
      acme,
      subjectOf([[ou, utf8('x')]], [[c, printable('DE')]], [[o, utf8('Acme, Inc.')]], [[cn, utf8('billing')]]),
      '401 other_subject',
    ],
    ['one less', acme, subjectOf([[o, utf8('Acme, Inc.')]], [[cn, utf8('billing')]]), '401 other_subject'],
    ['no subject', acme, subjectOf(), '401 other_subject'],
    ['all of it in the common name', acme, subjectOf([[cn, utf8('billing,O=Acme\\, Inc.,C=DE')]]), '401 other_subject'],
    ['a comma in the common name', 'CN=billing,O=Acme', subjectOf([[cn, utf8('billing,O=Acme')]]), '401 other_subject'],
    [
      'a line break with another attribute in it',
      'CN=billing',
      subjectOf([[cn, utf8('x\nCN=billing')]]),
      '401 other_subject',
    ],
    ['a NUL behind the name', 'CN=billing', subjectOf([[cn, utf8('billing\0')]]), '401 other_subject'],
    ['a NUL and more', 'CN=billing', subjectOf([[cn, utf8('billing\0.evil.example')]]), '401 other_subject'],
    ['a soft hyphen in it', 'CN=billing', subjectOf([[cn, utf8('bill\u{AD}ing')]]), '401 other_subject'],
    ['a zero-width space in it', 'CN=billing', subjectOf([[cn, utf8('bill\u{200B}ing')]]), '401 other_subject'],
    ['a Cyrillic letter that looks alike', 'CN=acme', subjectOf([[cn, utf8('аcme')]]), '401 other_subject'],
    ['quotes around it', 'CN=billing', subjectOf([[cn, utf8('"billing"')]]), '401 other_subject'],
    ['a BMPString', 'CN=billing', subjectOf([[cn, new BmpString({ value: 'billing' })]]), '401 other_subject'],
    [
      'a BMPString that was registered by octets',
      `CN=#1E0E${Buffer.from('billing', 'utf16le').swap16().toString('hex')}`,
      subjectOf([[cn, new BmpString({ value: 'billing' })]]),
      '200',
    ],
    ['a TeletexString', 'CN=billing', subjectOf([[cn, new TeletexString({ value: 'billing' })]]), '401 other_subject'],
    [
      'a UniversalString',
      'CN=billing',
      subjectOf([[cn, new UniversalString({ value: 'billing' })]]),
      '401 other_subject',
    ],
    ['another attribute with the same value', 'CN=billing', subjectOf([[ou, utf8('billing')]]), '401 other_subject'],
    ['two common names, in their order', 'CN=a,CN=b', subjectOf([[cn, utf8('b')]], [[cn, utf8('a')]]), '200'],
    [
      'two common names, in the other order',
      'CN=a,CN=b',
      subjectOf([[cn, utf8('a')]], [[cn, utf8('b')]]),
      '401 other_subject',
    ],
    [
      'a name of two attributes',
      'CN=a+OU=b',
      subjectOf(
        [
          [
            [cn, utf8('a')],
            [ou, utf8('b')],
          ] as const,
        ].flat() as never,
      ),
      '200',
    ],
    [
      'a name of two attributes, in the other order',
      'CN=a+OU=b',
      subjectOf([
        [ou, utf8('b')],
        [cn, utf8('a')],
      ]),
      '200',
    ],
    ['both apart', 'CN=a+OU=b', subjectOf([[ou, utf8('b')]], [[cn, utf8('a')]]), '401 other_subject'],
    [
      'together what was registered apart',
      'CN=a,OU=b',
      subjectOf([
        [ou, utf8('b')],
        [cn, utf8('a')],
      ]),
      '401 other_subject',
    ],
    [
      'one of two attributes twice',
      'CN=a+OU=b',
      subjectOf([
        [cn, utf8('a')],
        [cn, utf8('a')],
      ]),
      '401 other_subject',
    ],
    ['letters beyond ASCII, as OpenSSL escapes them', 'CN=M\\C3\\BCller', subjectOf([[cn, utf8('müller')]]), '200'],
    ['letters that are composed otherwise', 'CN=Müller', subjectOf([[cn, utf8('Mu\u0308ller')]]), '200'],
    ['an attribute by its OID', '2.5.4.97=PSDDE-BAFIN-1', subjectOf([['2.5.4.97', utf8('PSDDE-BAFIN-1')]]), '200'],
  ])('%s', async (_what, registeredAs, subject, expected) => {
    const { clientId } = await underRoot({ subject_dn: registeredAs })
    const leaf = await makeLeaf(pki.intermediate, { ...subject, subject: [{ CN: ['x'] }] })
    expect(await outcome(clientId, await identity(leaf, pki.intermediate))).toBe(expected)
  })

  test('as OpenSSL prints it with -nameopt RFC2253', async () => {
    if (!hasOpenssl) return
    const subject = subjectOf(
      [[c, printable('DE')]],
      [[o, utf8('Ümläut "A" <b>; c+d\\e #')]],
      [
        [cn, utf8(' a,b '.trim())],
        [ou, utf8('=x')],
      ],
    )
    const leaf = await makeLeaf(pki.intermediate, { ...subject, subject: [{ CN: ['x'] }] })
    const file = path.join(folder, 'named.pem')
    writeFileSync(file, anchorOf(leaf))
    const { stdout } = await run('openssl', ['x509', '-noout', '-subject', '-nameopt', 'RFC2253', '-in', file])
    const { clientId } = await underRoot({ subject_dn: stdout.trim().replace('subject=', '') })
    expect(await outcome(clientId, await identity(leaf, pki.intermediate))).toBe('200')
  })
})

describe('an alternative name (§2.1.2)', () => {
  test.each<[string, Record<string, string>, x509.JsonGeneralNames, '200' | '401 other_subject']>([
    ['a host', { san_dns: 'a.example' }, [{ type: 'dns', value: 'a.example' }], '200'],
    ['a host in other letters', { san_dns: 'A.example' }, [{ type: 'dns', value: 'a.EXAMPLE' }], '200'],
    [
      'a host among others',
      { san_dns: 'a.example' },
      [
        { type: 'dns', value: 'b.example' },
        { type: 'dns', value: 'a.example' },
      ],
      '200',
    ],
    [
      'a host with a period at its end',
      { san_dns: 'a.example' },
      [{ type: 'dns', value: 'a.example.' }],
      '401 other_subject',
    ],
    ['a host below it', { san_dns: 'a.example' }, [{ type: 'dns', value: 'b.a.example' }], '401 other_subject'],
    ['an asterisk', { san_dns: 'a.example' }, [{ type: 'dns', value: '*.example' }], '401 other_subject'],
    [
      'a NUL behind a host',
      { san_dns: 'a.example' },
      [{ type: 'dns', value: 'a.example\0.evil.example' }],
      '401 other_subject',
    ],
    [
      'a host and a comma, as some print two',
      { san_dns: 'a.example' },
      [{ type: 'dns', value: 'b.example, DNS:a.example' }],
      '401 other_subject',
    ],
    ['a URI of that spelling', { san_dns: 'a.example' }, [{ type: 'url', value: 'a.example' }], '401 other_subject'],
    [
      'a URI',
      { san_uri: 'https://a.example/Clients/1' },
      [{ type: 'url', value: 'https://a.example/Clients/1' }],
      '200',
    ],
    [
      'a URI in other letters',
      { san_uri: 'https://a.example/Clients/1' },
      [{ type: 'url', value: 'https://a.example/clients/1' }],
      '401 other_subject',
    ],
    [
      'a URI with more',
      { san_uri: 'https://a.example/1' },
      [{ type: 'url', value: 'https://a.example/1/' }],
      '401 other_subject',
    ],
    ['an address', { san_ip: '10.1.2.3' }, [{ type: 'ip', value: '10.1.2.3' }], '200'],
    ['an address of six', { san_ip: '2001:DB8::1' }, [{ type: 'ip', value: '2001:db8:0:0:0:0:0:1' }], '200'],
    ['another address', { san_ip: '10.1.2.3' }, [{ type: 'ip', value: '10.1.2.4' }], '401 other_subject'],
    ['the address inside six', { san_ip: '10.1.2.3' }, [{ type: 'ip', value: '::ffff:a01:203' }], '401 other_subject'],
    ['an address as a host', { san_ip: '10.1.2.3' }, [{ type: 'dns', value: '10.1.2.3' }], '401 other_subject'],
    ['a mailbox', { san_email: 'Ops@acme.example' }, [{ type: 'email', value: 'Ops@ACME.example' }], '200'],
    [
      'a mailbox in other letters',
      { san_email: 'Ops@acme.example' },
      [{ type: 'email', value: 'ops@acme.example' }],
      '401 other_subject',
    ],
  ])('%s', async (_what, body, list, expected) => {
    const { clientId } = await underRoot(body)
    const leaf = await makeLeaf(pki.intermediate, { extensions: [...usualExtensions(), names(...list)] })
    expect(await outcome(clientId, await identity(leaf, pki.intermediate))).toBe(expected)
  })

  test('none at all, and the name in the subject instead', async () => {
    const { clientId } = await underRoot({ san_dns: 'a.example' })
    const leaf = await makeLeaf(pki.intermediate, { subject: [{ CN: ['a.example'] }], extensions: usualExtensions() })
    expect(await outcome(clientId, await identity(leaf, pki.intermediate))).toBe('401 other_subject')
  })
})

describe('what is registered (§2.1.2)', () => {
  test('another client with the same authority and another name: neither gets in as the other', async () => {
    const [one, other] = [await underRoot(), await underRoot({ san_dns: 'sales.acme.example' })]
    const leaf = await makeLeaf(pki.intermediate, {
      extensions: [...usualExtensions(), names({ type: 'dns', value: 'sales.acme.example' })],
    })
    expect(await outcome(one.clientId, await identity(leaf, pki.intermediate))).toBe('401 other_subject')
    expect(await outcome(other.clientId, await identity(leaf, pki.intermediate))).toBe('200')
    expect(await outcome(other.clientId, await identity(pki.leaf, pki.intermediate))).toBe('401 other_subject')
  })

  test('the anchor counts for its client alone', async () => {
    const other = await createClientOver(admin, 'mtls')
    expect(await outcome(other.clientId, await identity(pki.leaf, pki.intermediate))).toBe('401 unknown')
    const elsewhere = await makeCa('Elsewhere')
    const own = await registered({ san_dns: dnsName, anchor: anchorOf(elsewhere) })
    expect(await outcome(own.clientId, await identity(pki.leaf, pki.intermediate, pki.root))).toBe('401 issuer_unknown')
    expect(await outcome(own.clientId, await identity(await makeLeaf(elsewhere)))).toBe('200')
  })

  test.each<[string, Record<string, string>, string]>([
    ['no name', {}, 'subject_dn'],
    ['two names', { san_dns: 'a.example', san_uri: 'https://a.example' }, 'san_uri'],
    ['a subject as OpenSSL prints it by itself', { subject_dn: 'C = DE, O = Acme' }, 'subject_dn'],
    ['a subject with slashes', { subject_dn: '/C=DE/O=Acme' }, 'subject_dn'],
    ['an unknown attribute', { subject_dn: 'XX=1' }, 'subject_dn'],
    ['a bare comma', { subject_dn: 'O=Acme, Inc.' }, 'subject_dn'],
    ['a subject that goes on', { subject_dn: 'O=Acme,' }, 'subject_dn'],
    ['a NUL', { subject_dn: 'CN=a\\00b' }, 'subject_dn'],
    ['octets that are no UTF-8', { subject_dn: 'CN=\\C3' }, 'subject_dn'],
    ['a value that is no DER', { subject_dn: 'CN=#1E05' }, 'subject_dn'],
    ['an asterisk', { san_dns: '*.acme.example' }, 'san_dns'],
    ['a host with a space', { san_dns: 'a b' }, 'san_dns'],
    ['no URI', { san_uri: 'acme' }, 'san_uri'],
    ['no address', { san_ip: '10.1.2.300' }, 'san_ip'],
    ['IPv4 inside IPv6', { san_ip: '::ffff:10.1.2.3' }, 'san_ip'],
    ['no mailbox', { san_email: 'acme.example' }, 'san_email'],
  ])('%s: refused', async (_what, body, field) => {
    const { clientId } = await createClientOver(admin, 'mtls')
    const answer = await admin('POST', `/clients/${clientId}/registered-subjects`, {
      body: { anchor: anchorOf(pki.root), ...body },
    })
    expectProblem(answer, 422, 'subject.invalid')
    expect(answer.body).toMatchObject({ field })
  })

  test.each<[string, () => Promise<string>, RegExp]>([
    ['a leaf', async () => anchorOf(pki.leaf), /no authority/],
    [
      'one that has expired',
      async () =>
        anchorOf(await makeCa('x', undefined, { notBefore: Date.now() - 9 * day, notAfter: Date.now() - day })),
      /expired/,
    ],
    ['one with a weak key', async () => anchorOf(await makeCa('x', undefined, { kind: rsa(1024) })), /too weak/],
    [
      'one for servers',
      async () =>
        anchorOf(
          await makeCa('x', undefined, {
            extensions: authorityExtensions(undefined, new x509.ExtendedKeyUsageExtension([purpose.serverAuth])),
          }),
        ),
      /clientAuth/,
    ],
    ['a private key', async () => keyPem(pki.root.key), /private key/],
    ['words', () => Promise.resolve('please'), /no certificate in PEM/],
    ['two roots', async () => anchorOf(pki.root, await makeCa('x')), /does not lead to the first/],
    ['the intermediate before its root', async () => anchorOf(pki.intermediate, pki.root), /put the anchor first/],
    ['nine certificates', async () => anchorOf(...Array.from({ length: 9 }, () => pki.root)), /more than 8/],
  ])('%s as the anchor: refused', async (_what, anchor, detail) => {
    const { clientId } = await createClientOver(admin, 'mtls')
    const answer = await admin('POST', `/clients/${clientId}/registered-subjects`, {
      body: { san_dns: dnsName, anchor: await anchor() },
    })
    expectProblem(answer, 422, 'certificate.unsuitable')
    expect(answer.body).toMatchObject({ field: 'anchor', detail: expect.stringMatching(detail) as string })
    expect(answer.text).not.toContain('BEGIN')
  })

  test('a client has one name, under several anchors while its authority is changed', async () => {
    const { clientId, id } = await underRoot()
    const post = (body: object) => admin('POST', `/clients/${clientId}/registered-subjects`, { body })
    const next = await makeCa('Acme next')
    expectProblem(await post({ san_dns: 'x.example', anchor: anchorOf(next) }), 409, 'client.has_another_subject')
    expectProblem(await post({ san_dns: dnsName, anchor: anchorOf(pki.root) }), 422, 'certificate.unsuitable')
    expect((await post({ san_dns: dnsName, anchor: anchorOf(next) })).status).toBe(201)
    const [old, renewed] = [await identity(pki.leaf, pki.intermediate), await identity(await makeLeaf(next))]
    expect(await outcome(clientId, old)).toBe('200')
    expect(await outcome(clientId, renewed)).toBe('200')
    await admin('POST', `/registered-subjects/${id}/revoke`, {})
    expect(await outcome(clientId, old)).toBe('401 revoked')
    expect(await outcome(clientId, renewed)).toBe('200')
  })

  test('is refused where certificates of another kind are asked for', async () => {
    const { clientId } = await createClientOver(admin, 'self-signed-mtls')
    const body = { san_dns: dnsName, anchor: anchorOf(pki.root) }
    const answer = await admin('POST', `/clients/${clientId}/registered-subjects`, { body })
    expectProblem(answer, 422, 'client.takes_no_foreign_certificate')
    expect(answer.body).toMatchObject({ field: 'client_id' })
  })
})

describe('what ends', () => {
  test('the registration: from the next request on, its tokens too, on kept-alive and resumed connections', async () => {
    const { clientId, id } = await underRoot()
    const own = await identity(pki.leaf, pki.intermediate)
    const kept = new Agent({ keepAlive: true, maxSockets: 1 })
    const resuming = new Agent({ keepAlive: false, maxCachedSessions: 10 })
    const first = await token(clientId, own, kept)
    expect(first.status).toBe(200)
    expect(await outcome(clientId, own, resuming)).toBe('200')
    // A resumed connection brings no intermediates.
    const resumed = await token(clientId, own, resuming)
    expect({ status: resumed.status, isResumed: resumed.isResumed }).toEqual({ status: 200, isResumed: true })
    expect((await admin('POST', `/registered-subjects/${id}/revoke`, {})).body).toMatchObject({ id, state: 'revoked' })
    expect(await outcome(clientId, own, kept)).toBe('401 revoked')
    expect(await outcome(clientId, own, resuming)).toBe('401 revoked')
    const { access_token } = first.json<{ access_token: string }>()
    const inspected = await admin('POST', '/tokens/inspect', { body: { token: access_token } })
    expect(inspected.body).toMatchObject({ active: false, reason: 'token.credential_ended' })
    kept.destroy()
    resuming.destroy()
    expectProblem(await admin('POST', '/registered-subjects/nosuchsubject/revoke', {}), 404, 'credential.unknown')
    expectProblem(await admin('POST', `/registered-keys/${id}/revoke`, {}), 404, 'credential.unknown')
  })

  test('the certificate, or one above it: no token outlives the first', async () => {
    const { clientId } = await underRoot()
    const lifeOf = async (own: TestIdentity) => (await token(clientId, own)).json<{ expires_in: number }>().expires_in
    const brief = await makeLeaf(pki.intermediate, { notAfter: server.clock.now() + 600_000 })
    expect(await lifeOf(await identity(brief, pki.intermediate))).toBeLessThanOrEqual(600)
    const intermediate = await makeCa('Brief', pki.root, { notAfter: server.clock.now() + 500_000 })
    expect(await lifeOf(await identity(await makeLeaf(intermediate), intermediate))).toBeLessThanOrEqual(500)
    const whole = await identity(pki.leaf, pki.intermediate)
    expect(await lifeOf(whole)).toBeGreaterThan(600)
    server.clock.advance(700_000)
    expect(await outcome(clientId, await identity(brief, pki.intermediate))).toBe('401 expired')
  })

  test('nothing by a restart', async () => {
    const [kept, ended] = [await underRoot(), await underRoot()]
    const own = await identity(pki.leaf, pki.intermediate)
    await admin('POST', `/registered-subjects/${ended.id}/revoke`, {})
    server = await server.restart()
    admin = adminSender(server.adminSocket)
    expect(await outcome(kept.clientId, own)).toBe('200')
    expect(await outcome(ended.clientId, own)).toBe('401 revoked')
  })
})

test('beside a secret it is taken as well, and not alone', async () => {
  const { clientId, clientSecret } = await createClientOver(admin, 'secret-and-certificate')
  const body = { san_dns: dnsName, anchor: anchorOf(pki.root) }
  expect((await admin('POST', `/clients/${clientId}/registered-subjects`, { body })).status).toBe(201)
  const own = await identity(pki.leaf, pki.intermediate)
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret }
  const both = await postMtls(server, '/oauth2/token', form, { identity: own })
  expect(both.status).toBe(200)
  const claims = decodeJwt(both.json<{ access_token: string }>().access_token)
  expect(claims['cnf']).toHaveProperty(['x5t#S256'])
  expect(Object.keys(claims['lk_credentials'] as object)).toHaveLength(2)
  expect((await token(clientId, own)).status).toBe(401)
  expect((await postMtls(server, '/oauth2/token', form)).status).toBe(401)
  const preview = await admin('POST', `/clients/${clientId}/test`, { body: {} })
  expect(preview.body).toMatchObject({ granted: true })
})
