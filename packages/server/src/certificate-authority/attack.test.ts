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


test('the same key, certified again', async () => {
  const first = await makeIntermediate()
  expect((await importIt(first)).status).toBe(200)
  const { clientId } = await createClientOver(admin, 'mtls')
  const [a, aGone] = [await issueTo(admin, clientId), await issueTo(admin, clientId)]
  const again = { key: first.key, certificate: await makeTestCertificate(first.key, {
    subject: [{ CN: ['Latchkey clients'] }], notAfter: Date.now() + 800 * day, serialNumber: '78', issuer: company,
    extensions: await intermediateExtensions(first.key.publicKey) }) }
  console.log((await importIt(again)).status)
  const [b, bGone] = [await issueTo(admin, clientId), await issueTo(admin, clientId)]
  for (const { serial } of [aGone, bGone]) await admin('POST', `/certificates/${serial}/revoke`, { body: {} })
  for (const one of [a, aGone, b, bGone]) console.log(await statusOf(leafOf(one.cert), leafOf(one.chain), leafOf(one.chain)))
  const list = async (name: string) => openssl(['crl', '-inform', 'DER', '-in', '@0'], Buffer.from(await (await fetch(`${server.issuer}/ca/${name}.crl`)).arrayBuffer()))
  console.log(await openssl(['verify','-partial_chain','-x509_strict','-crl_check','-CAfile','@0','-untrusted','@1','-CRLfile','@2','@3'], leafOf(b.chain), leafOf(b.chain), await list('clients'), leafOf(bGone.cert)).catch(printedBy))
})
