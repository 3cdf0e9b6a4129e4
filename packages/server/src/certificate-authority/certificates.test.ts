import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { adminSender, expectProblem, type AdminAnswer, type SendAdmin } from '../admin-api/testing/admin-request.ts'
import { administrator } from '../admin-api/testing/administrators.ts'
import { send, sqliteFile, startTestServer, testClock, type TestServer } from '../testing/start-test-server.ts'

/* What the authority issues, judged by OpenSSL 3: the command is needed, and what needs it is skipped, and counted so, where it is not. */

const run = promisify(execFile)
const hasOpenssl = await run('openssl', ['version']).then(
  ({ stdout }) => stdout.startsWith('OpenSSL 3'),
  () => false,
)
const day = 86_400_000

let server: TestServer
let admin: SendAdmin
let folder: string
let clientId: string

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'latchkey-ca-'))
  // OpenSSL goes by the clock of the machine, which must not be behind what is signed here.
  server = await startTestServer({}, testClock(Date.now() - 60_000))
  admin = adminSender(server.adminSocket)
  await server.registerApi('configurations', ['read'])
  clientId = (await server.registerClient(['configurations/read'])).clientId
})

afterAll(async () => {
  await server.dispose()
  rmSync(folder, { recursive: true })
})

let files = 0
/** Runs openssl on files of these contents; answers what it printed. */
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

/** A request, as a partner makes one. */
async function newCsr(
  key: readonly string[] = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  more: readonly string[] = [],
): Promise<string> {
  return openssl(['req', '-new', ...key, '-nodes', '-keyout', `key${++files}.pem`, '-subj', '/', ...more]).then(
    (text) => /-----BEGIN CERTIFICATE REQUEST-----[^]+-----END CERTIFICATE REQUEST-----/.exec(text)?.[0] ?? text,
  )
}

const issue = (csr: string, body: object = {}, id = clientId) =>
  admin('POST', `/clients/${id}/certificates`, { body: { csr, ...body } })

function issuedOf({ status, body, text }: AdminAnswer) {
  if (status !== 201) throw new Error(text)
  return body as { serial: string; certificate: string; chain: string; not_after: number; ignored: string[] }
}

const get = (name: string) => send(`${server.issuer}/ca/${name}`)
const crl = async () => {
  const der = Buffer.from(await (await fetch(`${server.issuer}/ca/clients.crl`)).arrayBuffer())
  return openssl(['crl', '-inform', 'DER', '-in', '@0'], der)
}

test('before the first certificate there is no authority, and nothing is served', async () => {
  for (const name of ['root.pem', 'chain.pem', 'intermediate.cer', 'clients.crl'])
    expect((await get(name)).status).toBe(404)
})

describe.skipIf(!hasOpenssl)('a certificate', () => {
  test('passes OpenSSL at its strictest, for clients and for nothing else', async () => {
    const { certificate, chain, serial } = issuedOf(await issue(await newCsr()))
    const root = (await get('root.pem')).text
    expect(chain).toBe((await get('chain.pem')).text)
    const verify = (purpose: string) =>
      openssl(
        ['verify', '-x509_strict', '-purpose', purpose, '-CAfile', '@0', '-untrusted', '@1', '@2'],
        root,
        chain,
        certificate,
      )
    expect(await verify('sslclient')).toMatch(/: OK\n$/)
    await expect(verify('sslserver')).rejects.toThrow(/unsuitable certificate purpose/)
    const text = await openssl(['x509', '-in', '@0', '-noout', '-text'], certificate)
    expect(text).toMatch(/CA:FALSE/)
    expect(text).toMatch(/X509v3 Key Usage: critical\s+Digital Signature\n/)
    expect(text).toMatch(/X509v3 Extended Key Usage: ?\n\s+TLS Web Client Authentication\n/)
    expect(text).toContain(`URI:${server.issuer}/clients/${clientId}`)
    expect(text).toContain(`URI:${server.issuer}/ca/clients.crl`)
    expect(text).toMatch(/NIST CURVE: P-256/)
    expect(serial).toMatch(/^[4-7][0-9a-f]{31}$/)
    expect(new X509Certificate(certificate).serialNumber.toLowerCase()).toBe(serial)
  })

  test('lives 90 days, or as long as was said; neither less than an hour nor more', async () => {
    const csr = await newCsr()
    const life = (answer: AdminAnswer) => issuedOf(answer).not_after * 1000 - server.clock.now()
    expect(Math.round(life(await issue(csr)) / day)).toBe(90)
    expect(Math.round(life(await issue(csr, { expires_in: 3600 })) / 60_000)).toBe(60)
    for (const seconds of [3599, 7_776_001, 0, -1]) {
      expectProblem(await issue(csr, { expires_in: seconds }), 400, 'request.invalid')
    }
  })

  test('takes the public key of its request and nothing else, and says what it did not take', async () => {
    const csr = await newCsr(undefined, [
      '-subj',
      '/CN=admin/O=Somebody else',
      '-addext',
      'basicConstraints=critical,CA:TRUE',
      '-addext',
      'subjectAltName=DNS:auth.example.com,URI:https://other.example/clients/x',
    ])
    const { certificate, ignored } = issuedOf(await issue(csr))
    const { subject, subjectAltName, ca } = new X509Certificate(certificate)
    expect({ subject, subjectAltName, ca }).toEqual({
      subject: `CN=${clientId}`,
      subjectAltName: `URI:${server.issuer}/clients/${clientId}`,
      ca: false,
    })
    expect(ignored).toEqual(['the subject', '2 extension(s)'])
  })

  test('is as good for a key whose point is compressed, a request without PEM, and one with attributes', async () => {
    const key = await openssl(['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-conv_form', 'compressed'])
    const compressed = await openssl(['req', '-new', '-key', '@0', '-subj', '/'], key)
    const { certificate } = issuedOf(await issue(/-----BEGIN CERTIFICATE REQ[^]+/.exec(compressed)?.[0] ?? ''))
    expect(await openssl(['x509', '-in', '@0', '-noout', '-pubkey'], certificate)).toBe(
      await openssl(['pkey', '-in', '@0', '-pubout', '-ec_conv_form', 'uncompressed'], key),
    )
    expect(issuedOf(await issue(derOf(await newCsr()).toString('base64'))).ignored).toEqual([])
    const config = '[req]\ndistinguished_name=d\nattributes=a\nprompt=no\n[d]\nCN=x\n[a]\nchallengePassword=please\n'
    const withAttributes = await openssl(['req', '-new', '-key', '@0', '-config', '@1'], key, config)
    const answer = issuedOf(await issue(/-----BEGIN CERTIFICATE REQ[^]+/.exec(withAttributes)?.[0] ?? ''))
    expect(answer.ignored).toEqual(['the subject', 'other attributes'])
    expect(answer.certificate).not.toContain('please')
  })

  test('keeps the name of its client when the issuer has become another', async () => {
    const other = await server.registerClient(['configurations/read'])
    const first = issuedOf(await issue(await newCsr(), {}, other.clientId))
    const db = new DatabaseSync(sqliteFile(server.config))
    const uri = 'https://before.example/clients/kept'
    db.prepare('update certificates set subject_uri = ? where serial = ?').run(uri, first.serial)
    db.close()
    const second = issuedOf(await issue(await newCsr(), {}, other.clientId))
    expect(new X509Certificate(second.certificate).subjectAltName).toBe(`URI:${uri}`)
  })
})

describe.skipIf(!hasOpenssl)('a request that is refused, with the reason', () => {
  const cases: readonly (readonly [what: string, csr: () => Promise<string>, reason: RegExp])[] = [
    ['a key of another curve', () => newCsr(['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384']), /not P-256/],
    ['an RSA key', () => newCsr(['-newkey', 'rsa:2048']), /not P-256/],
    ['a weak RSA key', () => newCsr(['-newkey', 'rsa:1024']), /not P-256/],
    ['an Ed25519 key', () => newCsr(['-newkey', 'ed25519']), /not P-256/],
    [
      'a key of explicit parameters',
      () => newCsr(['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-pkeyopt', 'ec_param_enc:explicit']),
      /not P-256|cannot be read/,
    ],
    ['a private key', async () => '-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----', /keep it/],
    [
      'a request with its private key',
      async () => `${await newCsr()}\n-----BEGIN EC PRIVATE KEY-----\nMC4=\n-----END EC PRIVATE KEY-----`,
      /more than one block/,
    ],
    [
      'a certificate',
      async () => '-----BEGIN CERTIFICATE-----\nMC4=\n-----END CERTIFICATE-----',
      /no certificate signing request/,
    ],
    ['words', async () => 'please', /cannot be read|neither PEM/],
    ['markup', async () => '<csr/>', /neither PEM nor base64/],
    ['an empty sequence', async () => 'MAA=', /cannot be read/],
    ['another signature', async () => tamper(await newCsr(), -8), /not signed by the key|cannot be read/],
    [
      'another key than the one that signed',
      async () => tamper(await newCsr(), 60),
      /not signed by the key|no point of its curve|cannot be read/,
    ],
    [
      'a point that is not on its curve',
      async () => tamper(await newCsr(), 45),
      /no point of its curve|not signed|cannot be read/,
    ],
    ['octets after its end', async () => withEnd(await newCsr(), Buffer.of(5, 0)), /cannot be read/],
    ['two requests', async () => (await newCsr()) + (await newCsr()), /more than one block/],
    ['half a request', async () => cut(await newCsr()), /cannot be read/],
    [
      'a request in a block of another name',
      async () => (await newCsr()).replaceAll('CERTIFICATE REQUEST', 'PUBLIC KEY'),
      /no certificate signing request/,
    ],
    ['a P-224 key', () => newCsr(['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp224r1']), /not P-256/],
    ['a secp256k1 key', () => newCsr(['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:secp256k1']), /not P-256/],
    ['ten thousand nested sequences', async () => nested(10_000).toString('base64').slice(0, 16_000), /cannot be read/],
  ]
  test.each(cases)('%s', async (_, csr, reason) => {
    const answer = await issue(await csr())
    expectProblem(answer, 422, 'certificate.csr_invalid')
    expect(answer.body).toMatchObject({ field: 'csr', detail: expect.stringMatching(reason) as string })
  })

  test('too long, empty, with PKCS #12 that it has no key for, or for nobody', async () => {
    expectProblem(await issue('x'.repeat(16_385)), 400, 'request.invalid')
    expectProblem(await issue(''), 400, 'request.invalid')
    const both = await issue(await newCsr(), { pkcs12: true })
    expectProblem(both, 422, 'certificate.csr_invalid')
    expect(both.body['field']).toBe('pkcs12')
    const nobody = await issue(await newCsr(), {}, 'nobody')
    expectProblem(nobody, 404, 'client.unknown')
    expect(nobody.body['field']).toBe('client_id')
  })
})

/** The request with one byte of its DER changed; counted from the end when negative. */
function tamper(csr: string, at: number): string {
  const der = Buffer.from(csr.replaceAll(/-----[A-Z ]+-----|\s/g, ''), 'base64')
  const place = at < 0 ? der.length + at : at
  der[place] = (der[place] ?? 0) ^ 1
  return der.toString('base64')
}

const derOf = (csr: string) => Buffer.from(csr.replaceAll(/-----[A-Z ]+-----|\s/g, ''), 'base64')

function withEnd(csr: string, end: Buffer): string {
  return Buffer.concat([derOf(csr), end]).toString('base64')
}

function cut(csr: string): string {
  const der = derOf(csr)
  return der.subarray(0, der.length / 2).toString('base64')
}

/** Sequences in sequences, whole. */
function nested(depth: number): Buffer {
  let der = Buffer.alloc(0)
  for (let i = 0; i < depth && der.length < 12_000; i++) {
    const { length } = der
    const head =
      length < 128 ? [0x30, length] : length < 256 ? [0x30, 0x81, length] : [0x30, 0x82, length >> 8, length & 255]
    der = Buffer.concat([Buffer.from(head), der])
  }
  return der
}

describe.skipIf(!hasOpenssl)('revoking', () => {
  test('puts a certificate into the revocation list, which OpenSSL takes, and repeating it changes nothing', async () => {
    const [kept, gone] = [issuedOf(await issue(await newCsr())), issuedOf(await issue(await newCsr()))]
    const before = await crl()
    const revoke = () => admin('POST', `/certificates/${gone.serial}/revoke`, { body: { reason: 'keyCompromise' } })
    const first = await revoke()
    expect(first.body).toMatchObject({ state: 'revoked', revocation_reason: 'keyCompromise' })
    server.clock.advance(1000)
    expect((await revoke()).body).toEqual(first.body)
    const after = await crl()
    expect(after).not.toBe(before)
    const text = await openssl(['crl', '-in', '@0', '-noout', '-text'], after)
    expect(text).toContain(gone.serial.toUpperCase())
    expect(text).toMatch(/Key Compromise/)
    expect(text).not.toContain(kept.serial.toUpperCase())
    expect(text).toMatch(/X509v3 CRL Number/)
    const root = (await get('root.pem')).text
    const check = ({ certificate, chain }: typeof kept) =>
      openssl(
        ['verify', '-x509_strict', '-crl_check', '-CAfile', '@0', '-untrusted', '@1', '-CRLfile', '@2', '@3'],
        root,
        chain,
        after,
        certificate,
      )
    expect(await check(kept)).toMatch(/: OK\n$/)
    await expect(check(gone)).rejects.toThrow(/certificate revoked/)
    expectProblem(await admin('POST', `/certificates/${'0'.repeat(32)}/revoke`), 404, 'certificate.unknown')
    expectProblem(await admin('POST', '/certificates/zz/revoke'), 400, 'request.invalid')
  })

  test('is told of by OCSP as well, with and without a nonce, and OpenSSL takes the answers', async () => {
    const [kept, gone] = [issuedOf(await issue(await newCsr())), issuedOf(await issue(await newCsr()))]
    await admin('POST', `/certificates/${gone.serial}/revoke`, { body: { reason: 'superseded' } })
    // OpenSSL hashes names with the algorithm that stands before the certificate.
    const ask = (certificate: string, ...options: string[]) =>
      openssl(
        ['ocsp', ...options, '-issuer', '@0', '-cert', '@1', '-CAfile', '@2', '-url', `${server.issuer}/ca/ocsp`],
        kept.chain,
        certificate,
        kept.chain + root,
      )
    const root = (await get('root.pem')).text
    const good = await ask(kept.certificate)
    expect(good).toMatch(/Response verify OK/)
    expect(good).toMatch(/: good\n/)
    expect(good).not.toMatch(/WARNING/)
    expect(good).toMatch(/This Update: \w+ +\d+ [\d:]+ \d+ GMT/)
    expect(await ask(gone.certificate, '-sha256')).toMatch(/: revoked\n[^]*Reason: superseded/)
    expect(await ask(kept.certificate, '-no_nonce')).toMatch(/: good\n/)
    expect(await ask(kept.certificate, '-sha384')).toMatch(/: unknown\n/)
    const both = await openssl(
      ['ocsp', '-issuer', '@0', '-cert', '@1', '-serial', '0x01', '-CAfile', '@2', '-url', `${server.issuer}/ca/ocsp`],
      kept.chain,
      gone.certificate,
      root,
    )
    expect(both).toMatch(/: revoked\n[^]*0x01: unknown\n/)
  })

  test('OCSP by GET, and what is no question', async () => {
    const kept = issuedOf(await issue(await newCsr()))
    await openssl(
      ['ocsp', '-issuer', '@0', '-cert', '@1', '-no_nonce', '-reqout', 'asked.der'],
      kept.chain,
      kept.certificate,
    )
    const asked = readFileSync(path.join(folder, 'asked.der'))
    const answer = await fetch(`${server.issuer}/ca/ocsp/${encodeURIComponent(asked.toString('base64'))}`)
    expect(answer.headers.get('content-type')).toBe('application/ocsp-response')
    const der = Buffer.from(await answer.arrayBuffer())
    expect(await openssl(['ocsp', '-respin', '@0', '-noverify', '-resp_text'], der)).toMatch(/Cert Status: good/)
    const post = (body: Buffer | string, type = 'application/ocsp-request') =>
      fetch(`${server.issuer}/ca/ocsp`, {
        method: 'POST',
        body: new Uint8Array(Buffer.from(body)),
        headers: { 'content-type': type },
      })
    const status = async (body: Buffer | string) => Buffer.from(await (await post(body)).arrayBuffer()).toString('hex')
    for (const nonsense of ['x', Buffer.of(48, 0), nested(5000), asked.subarray(0, -1), der]) {
      expect(await status(nonsense)).toBe('30030a0101')
    }
    expect((await post(asked, 'application/json')).status).toBe(400)
    expect((await post(asked, 'text/plain')).status).toBe(415)
    expect((await post('x'.repeat(200_000))).status).toBe(413)
    expect((await send(`${server.issuer}/ca/ocsp`)).status).toBe(405)
  })

  test('comes with the removal of the client, whose certificates stay on record', async () => {
    const other = await server.registerClient(['configurations/read'])
    const { serial } = issuedOf(await issue(await newCsr(), {}, other.clientId))
    await admin('DELETE', `/clients/${other.clientId}`)
    const listed = await admin('GET', `/certificates?client_id=${other.clientId}`)
    expect(listed.body['items']).toMatchObject([
      { serial, state: 'revoked', revocation_reason: 'cessationOfOperation' },
    ])
    expect(await openssl(['crl', '-in', '@0', '-noout', '-text'], await crl())).toContain(serial.toUpperCase())
  })
})

test.skipIf(!hasOpenssl)('the list is signed anew before it is stale, also when nothing was revoked', async () => {
  const first = await crl()
  expect(await crl()).toBe(first)
  server.clock.advance(2 * 3_600_000)
  const second = await crl()
  expect(second).not.toBe(first)
  const number = async (list: string) =>
    /CRL Number: ?\n\s+(\S+)/.exec(await openssl(['crl', '-in', '@0', '-noout', '-text'], list))?.[1] ?? ''
  expect(Number(await number(second))).toBeGreaterThan(Number(await number(first)))
})

test.skipIf(!hasOpenssl)('certificates are listed by client and state, in pages', async () => {
  const other = await server.registerClient(['configurations/read'])
  for (let i = 0; i < 3; i++) {
    server.clock.advance(1000)
    await issue(await newCsr(), { expires_in: 3600 * (i + 1) }, other.clientId)
  }
  const list = async (query: string) =>
    (await admin('GET', `/certificates?client_id=${other.clientId}${query}`)).body as {
      items: { not_after: number }[]
      next_cursor?: string
    }
  const page = await list('&limit=2')
  expect([...page.items, ...(await list(`&limit=2&cursor=${page.next_cursor}`)).items]).toEqual((await list('')).items)
  server.clock.advance(5400_000)
  expect((await list('&state=expired')).items).toHaveLength(1)
  expect((await list('&state=valid')).items).toHaveLength(2)
})

test.skipIf(!hasOpenssl)(
  'who may: certificates.write, and only for clients that hold no more than oneself',
  async () => {
    const writer = await administrator(server, 'certificates.write')
    const above = await server.registerClient(['latchkey/backup.read'])
    const csr = await newCsr()
    expect((await writer.send('POST', `/clients/${clientId}/certificates`, { body: { csr } })).status).toBe(201)
    expectProblem(
      await writer.send('POST', `/clients/${above.clientId}/certificates`, { body: { csr } }),
      403,
      'access.beyond_own',
    )
    const reader = await administrator(server, 'clients.read')
    expect((await reader.send('GET', '/certificates')).status).toBe(200)
    expectProblem(
      await reader.send('POST', `/clients/${clientId}/certificates`, { body: { csr } }),
      403,
      'access.scope_missing',
    )
  },
)

test.skipIf(!hasOpenssl)('the authority outlives a restart, and no private key is anywhere in clear', async () => {
  const root = (await get('root.pem')).text
  server = await server.restart()
  admin = adminSender(server.adminSocket)
  expect((await get('root.pem')).text).toBe(root)
  expect((await issue(await newCsr())).status).toBe(201)
  const db = new DatabaseSync(sqliteFile(server.config))
  const rows = db.prepare('select * from certificate_authorities').all() as {
    kind: string
    sealed_private_key: string
  }[]
  expect(rows.map(({ kind }) => kind).toSorted()).toEqual(['intermediate', 'root'])
  for (const { sealed_private_key: sealed } of rows)
    expect(Buffer.from(sealed, 'base64url').includes(Buffer.from('2a8648ce3d0201', 'hex'))).toBe(false)
  // A key that was put under another certificate does not open.
  db.prepare(
    `update certificate_authorities set sealed_private_key = (select sealed_private_key from certificate_authorities where kind = 'root')`,
  ).run()
  db.close()
  const answer = await issue(await newCsr())
  expect(answer.status).toBe(500)
})
