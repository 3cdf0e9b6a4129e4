import { execFile } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { BmpString, ObjectIdentifier, Sequence, Set as Asn1Set, type BaseBlock } from 'asn1js'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { adminSender, expectProblem, type SendAdmin } from '../admin-api/testing/admin-request.ts'
import { administrator } from '../admin-api/testing/administrators.ts'
import {
  identityOf,
  keyPem,
  makeTestCertificate,
  makeTestKey,
  pemOf,
  signAgain,
  usualExtensions,
  x509,
  type KeyKind,
  type TestCertificateOptions,
  type TestKey,
} from '../testing/certificates.ts'
import { createClientOver, issueTo, postMtls, startMtlsServer } from '../testing/mtls-server.ts'
import { send, sqliteFile, type TestServer } from '../testing/start-test-server.ts'

/* The authority of clients, brought by a company or made anew: judged by OpenSSL 3, which is needed. */

const run = promisify(execFile)
const hasOpenssl = await run('openssl', ['version']).then(
  ({ stdout }) => stdout.startsWith('OpenSSL 3'),
  () => false,
)
const day = 86_400_000

let folder: string
let server: TestServer
let admin: SendAdmin
let company: Made

interface Made {
  readonly key: TestKey
  readonly certificate: x509.X509Certificate
}

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'latchkey-brought-'))
  const key = await makeTestKey()
  const identifier = await x509.SubjectKeyIdentifierExtension.create(key.publicKey)
  const options = { ...caOptions(identifier), subject: [{ CN: ['Company root'] }] }
  company = { key, certificate: await makeTestCertificate(key, options) }
})
afterAll(() => rmSync(folder, { recursive: true }))

beforeEach(async () => {
  server = await startMtlsServer()
  admin = adminSender(server.adminSocket)
  await server.registerApi('configurations', ['read'])
  return () => server.dispose()
})

const { KeyUsageFlags: flag, ExtendedKeyUsage: purpose } = x509
const caOptions = (...more: x509.Extension[]): TestCertificateOptions => ({
  notAfter: Date.now() + 2000 * day,
  extensions: [
    new x509.BasicConstraintsExtension(true, undefined, true),
    new x509.KeyUsagesExtension(flag.keyCertSign | flag.cRLSign, true),
    ...more,
  ],
})

/** What an intermediate that the company makes has. */
async function intermediateExtensions(
  publicKey: CryptoKey,
  others: readonly x509.Extension[] = [],
): Promise<x509.Extension[]> {
  const all = [
    new x509.BasicConstraintsExtension(true, 0, true),
    new x509.KeyUsagesExtension(flag.keyCertSign | flag.cRLSign, true),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(company.certificate.publicKey),
  ]
  return [...all.filter(({ type }) => others.every((other) => other.type !== type)), ...others]
}

interface Intermediate extends TestCertificateOptions {
  readonly kind?: KeyKind
  readonly others?: readonly x509.Extension[]
  readonly without?: string
}

async function makeIntermediate({ kind, others, without, ...options }: Intermediate = {}): Promise<Made> {
  const key = await makeTestKey(kind)
  const extensions = (await intermediateExtensions(key.publicKey, others)).filter(({ type }) => type !== without)
  const certificate = await makeTestCertificate(key, {
    subject: [{ CN: ['Latchkey clients'] }],
    notAfter: Date.now() + 400 * day,
    serialNumber: '77',
    issuer: company,
    extensions,
    ...options,
  })
  return { key, certificate }
}

async function importIt({ key, certificate }: Made, more: Record<string, string> = {}) {
  const body = { certificate: pemOf(certificate), private_key: await keyPem(key), ...more }
  return admin('POST', '/authority/install', { body })
}

let files = 0
async function openssl(args: readonly string[], ...contents: (string | Buffer)[]): Promise<string> {
  const names = contents.map((content) => {
    const name = path.join(folder, `f${++files}`)
    writeFileSync(name, content)
    return name
  })
  const { stdout, stderr } = await run(
    'openssl',
    args.map((each) => each.replace(/^@(\d)$/, (_, i: string) => names[Number(i)] ?? '')),
    { cwd: folder },
  )
  return stdout + stderr
}

const leafOf = (cert: string) => cert.slice(0, cert.indexOf('-----END CERTIFICATE-----\n') + 26)
const text = async (name: string) => (await send(`${server.issuer}/ca/${name}`)).text
const urlsOf = async (certificate: string) =>
  Object.fromEntries(
    [
      ...(await openssl(['x509', '-in', '@0', '-noout', '-text'], certificate)).matchAll(
        /(CA Issuers - |OCSP - |)URI:(\S+)/g,
      ),
    ].map(([, kind = '', uri = '']) => [
      kind === '' ? (uri.endsWith('.crl') ? 'crl' : 'subject') : kind.slice(0, 4).trim(),
      uri,
    ]),
  )

/** What openssl said when it failed. */
function printedBy(error: unknown): string {
  const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string }
  return stdout + stderr
}

/** By its own list and OCSP answer, with OpenSSL: what is said of a certificate. */
async function statusOf(leaf: string, intermediate: string, anchor: string): Promise<readonly string[]> {
  const { crl = '', OCSP: ocsp = '' } = await urlsOf(leaf)
  const der = Buffer.from(await (await fetch(crl)).arrayBuffer())
  const list = await openssl(['crl', '-inform', 'DER', '-in', '@0'], der)
  const byList = await openssl(
    [
      'verify',
      '-partial_chain',
      '-x509_strict',
      '-crl_check',
      '-CAfile',
      '@0',
      '-untrusted',
      '@1',
      '-CRLfile',
      '@2',
      '@3',
    ],
    anchor,
    intermediate,
    list,
    leaf,
  ).then(
    () => 'good',
    (error: unknown) => (/certificate revoked/.test(printedBy(error)) ? 'revoked' : printedBy(error)),
  )
  const answer = await openssl(
    ['ocsp', '-issuer', '@0', '-cert', '@1', '-CAfile', '@2', '-partial_chain', '-url', ocsp],
    intermediate,
    leaf,
    anchor,
  )
  expect(answer).toMatch(/Response verify OK/)
  return [byList, /: (good|revoked|unknown)\n/.exec(answer)?.[1] ?? answer]
}

describe.skipIf(!hasOpenssl)('a company’s intermediate', () => {
  test('for a key that was made here: the request, its certificate, and what is issued by it', async () => {
    const asked = await admin('POST', '/authority/request', { body: {} })
    const csr = String(asked.body['csr'])
    expect(await openssl(['req', '-in', '@0', '-noout', '-verify', '-text'], csr)).toMatch(
      /CA:TRUE, pathlen:0[^]*Certificate Sign, CRL Sign[^]*verify OK/,
    )
    // While it waits, it is the same.
    expect((await admin('POST', '/authority/request', { body: {} })).body['csr']).toBe(csr)
    const caKey = await keyPem(company.key)
    const extensions =
      'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n'
    const certificate = await openssl(
      ['x509', '-req', '-in', '@0', '-CA', '@1', '-CAkey', '@2', '-days', '400', '-extfile', '@3', '-set_serial', '99'],
      csr,
      pemOf(company.certificate),
      caKey,
      extensions,
    ).then((all) => /-----BEGIN CERTIFICATE-----[^]+-----END CERTIFICATE-----\n/.exec(all)?.[0] ?? '')
    // OpenSSL went by the clock of the machine.
    server.clock.advance(Date.now() - server.clock.now())
    const installed = await admin('POST', '/authority/install', { body: { certificate } })
    expect(installed.body).toMatchObject({ state: 'signing', renewable: false, anchor: installed.body['certificate'] })
    const client = await createClientOver(admin, 'mtls')
    const issued = await issueTo(admin, client.clientId)
    // The company's root is nowhere handed out: whoever trusted it would trust all that it certifies.
    expect(issued.chain).toBe(await text('chain.pem'))
    expect(await text('root.pem')).toBe(issued.chain)
    expect(issued.chain).not.toContain(pemOf(company.certificate).slice(60, 200))
    const leaf = leafOf(issued.cert)
    expect(await statusOf(leaf, issued.chain, issued.chain)).toEqual(['good', 'good'])
    // To who trusts the company anyway, it is good as well.
    const verified = await openssl(
      ['verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', '@0', '-untrusted', '@1', '@2'],
      pemOf(company.certificate),
      issued.chain,
      leaf,
    )
    expect(verified).toMatch(/: OK\n$/)
    const form = { grant_type: 'client_credentials', client_id: client.clientId }
    expect((await postMtls(server, '/oauth2/token', form, { identity: issued })).status).toBe(200)
    expectProblem(await admin('POST', '/authority/install', { body: { certificate } }), 409, 'authority.not_requested')
    const events = await server.services.audit.list({ limit: 10, event: 'authority.installed' })
    expect(events.items).toHaveLength(1)
  })

  test('one of the company’s other intermediates certifies nobody here', async () => {
    const [ours, other] = [
      await makeIntermediate(),
      await makeIntermediate({ subject: [{ CN: ['Latchkey clients'] }] }),
    ]
    expect((await importIt(ours)).status).toBe(200)
    const client = await createClientOver(admin, 'mtls')
    const form = { grant_type: 'client_credentials', client_id: client.clientId }
    for (const issuer of [other, ours, company]) {
      // Even by ours: what it issues is recognised by being on record.
      const key = await makeTestKey()
      const uri = new x509.SubjectAlternativeNameExtension([
        { type: 'url', value: `${server.issuer}/clients/${client.clientId}` },
      ])
      const made = await makeTestCertificate(key, { issuer, extensions: [...usualExtensions(), uri] })
      const identity = await identityOf(key, made)
      const cert = identity.cert + pemOf(issuer.certificate) + pemOf(company.certificate)
      const answer = await postMtls(server, '/oauth2/token', form, { identity: { ...identity, cert } })
      expect(answer.status).toBe(401)
    }
    const issued = await issueTo(admin, client.clientId)
    expect((await postMtls(server, '/oauth2/token', form, { identity: issued })).status).toBe(200)
  })

  test.each([
    ['P-384', 'secp384r1'],
    ['P-521', 'secp521r1'],
  ])('with a key of %s that is brought along, and a name of another encoding', async (namedCurve, curve) => {
    const hash = namedCurve === 'P-384' ? 'SHA-384' : 'SHA-512'
    const { key, certificate } = await makeIntermediate({ kind: { name: 'ECDSA', namedCurve, hash } as KeyKind })
    const name = (value: BaseBlock) =>
      new Asn1Set({ value: [new Sequence({ value: [new ObjectIdentifier({ value: '2.5.4.3' }), value] })] })
    const subject = new Sequence({ value: [name(new BmpString({ value: 'Ünser Ärger' }))] })
    const edit = (fields: BaseBlock[]) => fields.map((each, i) => (i === 5 ? subject : each))
    const brought = { key, certificate: await signAgain(certificate, company.key, { edit }) }
    expect((await importIt(brought)).status).toBe(200)
    const client = await createClientOver(admin, 'mtls')
    const [kept, gone] = [await issueTo(admin, client.clientId), await issueTo(admin, client.clientId)]
    expect(new X509Certificate(kept.chain).publicKey.asymmetricKeyDetails?.namedCurve).toBe(curve)
    await admin('POST', `/certificates/${gone.serial}/revoke`, { body: {} })
    expect(await statusOf(leafOf(kept.cert), kept.chain, kept.chain)).toEqual(['good', 'good'])
    expect(await statusOf(leafOf(gone.cert), gone.chain, gone.chain)).toEqual(['revoked', 'revoked'])
    // The key that was brought is nowhere in clear.
    const { d = '' } = createPrivateKey(await keyPem(key)).export({ format: 'jwk' })
    const db = new DatabaseSync(sqliteFile(server.config))
    const rows = db.prepare('select * from certificate_authorities').all() as { sealed_private_key: string }[]
    db.close()
    for (const { sealed_private_key: sealed } of rows) {
      expect(Buffer.from(sealed, 'base64url').includes(Buffer.from(d, 'base64url'))).toBe(false)
    }
    expect(JSON.stringify(rows)).not.toContain('PRIVATE KEY')
  })

  test('with a root that certifies nobody else: that is the anchor then', async () => {
    const made = await makeIntermediate()
    const root = pemOf(company.certificate)
    const stranger = await makeTestKey()
    const other = pemOf(await makeTestCertificate(stranger, { ...caOptions(), subject: [{ CN: ['Company root'] }] }))
    expectProblem(await importIt(made, { root: other }), 422, 'authority.unsuitable')
    expect((await importIt(made, { root })).status).toBe(200)
    expect(await text('root.pem')).toBe(new X509Certificate(root).toString())
    const issued = await issueTo(admin, (await createClientOver(admin, 'mtls')).clientId)
    expect(issued.chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
  })
})

describe('what is no authority for clients is refused, with the reason', () => {
  const { clientAuth, serverAuth } = purpose
  const constraints = (host: string) =>
    new x509.Extension(
      '2.5.29.30',
      true,
      new Uint8Array([
        48,
        host.length + 6,
        160,
        host.length + 4,
        48,
        host.length + 2,
        134,
        host.length,
        ...Buffer.from(host),
      ]),
    )
  test.each<[string, Intermediate, RegExp]>([
    ['no authority', { others: [new x509.BasicConstraintsExtension(false, undefined, true)] }, /no authority/],
    ['pathlen 1', { others: [new x509.BasicConstraintsExtension(true, 1, true)] }, /pathlen/],
    ['no pathlen', { others: [new x509.BasicConstraintsExtension(true, undefined, true)] }, /pathlen/],
    ['may not sign certificates', { others: [new x509.KeyUsagesExtension(flag.cRLSign, true)] }, /no authority/],
    ['may not sign revocation lists', { others: [new x509.KeyUsagesExtension(flag.keyCertSign, true)] }, /cRLSign/],
    ['no key usage', { without: '2.5.29.15' }, /keyCertSign or cRLSign/],
    ['no key identifier', { without: '2.5.29.14' }, /key identifier/],
    ['for servers', { others: [new x509.ExtendedKeyUsageExtension([serverAuth])] }, /clientAuth/],
    [
      'an RSA key',
      {
        kind: {
          name: 'RSASSA-PKCS1-v1_5',
          modulusLength: 2048,
          publicExponent: new Uint8Array([1, 0, 1]),
          hash: 'SHA-256',
        } as KeyKind,
      },
      /P-256/,
    ],
    ['expired', { notBefore: Date.now() - 9 * day, notAfter: Date.now() - day }, /expired/],
    ['from tomorrow on', { notBefore: Date.now() + day }, /later moment/],
    ['89 days', { notAfter: Date.now() + 89 * day }, /ends before/],
    ['names of others only', { others: [constraints('other.example')] }, /name constraints/],
    [
      'a critical extension of nobody’s',
      { others: [new x509.Extension('1.3.6.1.4.1.55555.1', true, new Uint8Array([5, 0]))] },
      /critical/,
    ],
  ])('%s', async (_what, options, reason) => {
    const answer = await importIt(await makeIntermediate(options))
    expectProblem(answer, 422, 'authority.unsuitable')
    expect(answer.body).toMatchObject({ field: 'certificate', detail: expect.stringMatching(reason) as string })
    // Its sibling: with what it may have beside.
    const others = [new x509.ExtendedKeyUsageExtension([clientAuth, serverAuth])]
    expect((await importIt(await makeIntermediate({ others }))).status).toBe(200)
  })

  test('a root, another’s key, an encrypted one, words, two certificates; and no key is in any answer', async () => {
    const [made, other] = [await makeIntermediate(), await makeIntermediate()]
    const answers = [
      await importIt({
        ...company,
        certificate: await makeTestCertificate(company.key, {
          ...caOptions(),
          extensions: await intermediateExtensions(company.key.publicKey),
          subject: [{ CN: ['Company root'] }],
        }),
      }),
      await importIt({ key: other.key, certificate: made.certificate }),
      await importIt(made, {
        private_key: createPrivateKey(await keyPem(made.key)).export({
          format: 'pem',
          type: 'pkcs8',
          cipher: 'aes-256-cbc',
          passphrase: 'x',
        }),
      }),
      await importIt(made, { private_key: 'please' }),
      await importIt(made, { certificate: pemOf(made.certificate) + pemOf(company.certificate) }),
      await importIt(made, { certificate: (await keyPem(made.key)) + pemOf(made.certificate) }),
    ]
    for (const answer of answers) {
      expectProblem(answer, 422, 'authority.unsuitable')
      expect(answer.text).not.toContain('PRIVATE KEY-----')
    }
    expectProblem(await importIt(made, { private_key: '' }), 400, 'request.invalid')
    expect((await admin('GET', '/authority')).body['items']).toEqual([])
    expect((await importIt(made)).status).toBe(200)
    expectProblem(await importIt(made), 422, 'authority.unsuitable')
  })

  test('by whom may not, and a certificate for another key than that of the request', async () => {
    await admin('POST', '/authority/request', { body: {} })
    const certificate = pemOf((await makeIntermediate()).certificate)
    expectProblem(await admin('POST', '/authority/install', { body: { certificate } }), 422, 'authority.unsuitable')
    const first = (await admin('GET', '/authority')).body['request']
    const anew = await admin('POST', '/authority/request', { body: { anew: true } })
    expect(anew.body['csr']).not.toBe(first)
    expect((await admin('GET', '/authority')).body['request']).toBe(anew.body['csr'])
    const writer = await administrator(server, 'certificates.write')
    for (const route of ['request', 'install', 'rotate']) {
      const body = route === 'install' ? { certificate } : {}
      expectProblem(await writer.send('POST', `/authority/${route}`, { body }), 403, 'access.scope_missing')
    }
    expectProblem(await admin('POST', '/authority/rotate', { body: {} }), 409, 'authority.not_ours')
  })
})

test.skipIf(!hasOpenssl)(
  'when another takes its place, certificates by the one before stay good, and each has its own list',
  async () => {
    const client = await createClientOver(admin, 'mtls')
    const form = { grant_type: 'client_credentials', client_id: client.clientId }
    const statuses = async (...identities: { cert: string; key: string }[]) =>
      Promise.all(
        identities.map(async (identity) => (await postMtls(server, '/oauth2/token', form, { identity })).status),
      )
    const [first, firstGone] = [await issueTo(admin, client.clientId), await issueTo(admin, client.clientId)]
    const root = await text('root.pem')
    expect((await admin('POST', '/authority/rotate', { body: {} })).body).toMatchObject({
      state: 'signing',
      renewable: true,
    })
    expect(await text('root.pem')).toBe(root)
    const [second, secondGone] = [await issueTo(admin, client.clientId), await issueTo(admin, client.clientId)]
    expect(leafOf(first.chain)).not.toBe(leafOf(second.chain))
    expect((await importIt(await makeIntermediate())).body).toMatchObject({ state: 'signing', renewable: false })
    const third = await issueTo(admin, client.clientId)
    for (const { serial } of [firstGone, secondGone])
      await admin('POST', `/certificates/${serial}/revoke`, { body: {} })
    expect(await statuses(first, second, third, firstGone, secondGone)).toEqual([200, 200, 200, 401, 401])
    for (const [issued, anchor, expected] of [
      [first, root, 'good'],
      [firstGone, root, 'revoked'],
      [second, root, 'good'],
      [secondGone, root, 'revoked'],
      [third, third.chain, 'good'],
    ] as const) {
      expect(await statusOf(leafOf(issued.cert), leafOf(issued.chain), anchor)).toEqual([expected, expected])
    }
    // Each is fetched where its certificates say.
    const places = await Promise.all([first, second, third].map(async ({ cert }) => urlsOf(leafOf(cert))))
    expect(new Set(places.map(({ crl }) => crl)).size).toBe(3)
    for (const [i, { chain }] of [first, second, third].entries()) {
      const der = Buffer.from(await (await fetch(String(places[i]?.['CA I']))).arrayBuffer())
      expect(new X509Certificate(der).toString()).toBe(leafOf(chain))
    }
    // Of a certificate of another issuer than the one that is asked, nothing is known.
    const crossed = await openssl(
      ['ocsp', '-issuer', '@0', '-cert', '@1', '-CAfile', '@2', '-url', `${server.issuer}/ca/ocsp`],
      leafOf(second.chain),
      leafOf(first.cert),
      root,
    ).catch((error: unknown) => printedBy(error))
    expect(crossed).toMatch(/unknown/)
    const shown = await admin('GET', '/authority')
    expect((shown.body['items'] as { state: string }[]).map(({ state }) => state)).toEqual([
      'signing',
      'replaced',
      'replaced',
    ])
    expectProblem(await admin('POST', '/authority/rotate', { body: {} }), 409, 'authority.not_ours')
    expect((await send(`${server.issuer}/ca/nosuch.crl`)).status).toBe(404)
    server = await server.restart()
    admin = adminSender(server.adminSocket)
    expect(await statuses(first, second, third, firstGone, secondGone)).toEqual([200, 200, 200, 401, 401])
    for (const name of ['clients', String(places[2]?.['crl']).slice(-20, -4)]) {
      expect((await send(`${server.issuer}/ca/${name}.crl`)).status).toBe(200)
    }
  },
)

test.skipIf(!hasOpenssl)(
  'a key that the company certifies once more is one issuer: by either list and answer',
  async () => {
    const first = await makeIntermediate()
    expect((await importIt(first)).status).toBe(200)
    const { clientId } = await createClientOver(admin, 'mtls')
    const [older, olderGone] = [await issueTo(admin, clientId), await issueTo(admin, clientId)]
    const options = { subject: [{ CN: ['Latchkey clients'] }], notAfter: Date.now() + 800 * day, issuer: company }
    const extensions = await intermediateExtensions(first.key.publicKey)
    const certificate = await makeTestCertificate(first.key, { ...options, serialNumber: '78', extensions })
    expect((await importIt({ key: first.key, certificate })).status).toBe(200)
    const [newer, newerGone] = [await issueTo(admin, clientId), await issueTo(admin, clientId)]
    for (const { serial } of [olderGone, newerGone]) await admin('POST', `/certificates/${serial}/revoke`, { body: {} })
    for (const [issued, expected] of [
      [older, 'good'],
      [olderGone, 'revoked'],
      [newer, 'good'],
      [newerGone, 'revoked'],
    ] as const) {
      expect(await statusOf(leafOf(issued.cert), issued.chain, issued.chain)).toEqual([expected, expected])
    }
    // To OpenSSL the list of the one is that of the other.
    const lists = await Promise.all([older, newer].map(async ({ cert }) => String((await urlsOf(leafOf(cert)))['crl'])))
    expect(new Set(lists).size).toBe(2)
    for (const url of lists) {
      const list = await openssl(
        ['crl', '-inform', 'DER', '-in', '@0', '-noout', '-text'],
        Buffer.from(await (await fetch(url)).arrayBuffer()),
      )
      expect(list.match(/Serial Number: /g)).toHaveLength(2)
    }
  },
)
