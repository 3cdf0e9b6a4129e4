import { execFile } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseKeyedLink } from '@latchkey/protocol'
import { adminSender, expectProblem, type SendAdmin } from '../../admin-api/testing/admin-request.ts'
import {
  identityOf,
  keyPem,
  makeTestCertificate,
  makeTestCsr,
  makeTestKey,
  p384,
  pemOf,
} from '../../testing/certificates.ts'
import { createClientOver, postMtls, startMtlsServer, type MtlsCaller } from '../../testing/mtls-server.ts'
import { send, type Answer, type TestServer } from '../../testing/start-test-server.ts'
import { claim, makeLink, postJson, stateOf, type TestLink } from './link.test.support.ts'

/* Links that deliver certificates, over a real listener that asks for them. */

const run = promisify(execFile)
const hasOpenssl = await run('openssl', ['version']).then(
  ({ stdout }) => stdout.startsWith('OpenSSL 3'),
  () => false,
)
const minute = 60_000
const day = 86_400_000

let server: TestServer
let admin: SendAdmin

beforeAll(async () => {
  server = await startMtlsServer()
  admin = adminSender(server.adminSocket)
  await server.registerApi('configurations', ['read', 'write'])
})

afterAll(() => server.dispose())

type Kind = Parameters<typeof createClientOver>[1]

/** A client that has nothing yet, and the link that it was made with. */
async function newLink(authentication: Kind): Promise<TestLink & { readonly clientId: string }> {
  const body = { name: 'Plant 7', scopes: ['configurations/read'], authentication, contact_address: 'it@acme.example' }
  const created = await admin('POST', '/clients', { body })
  const { id = '', key = '' } = parseKeyedLink('claim', String(created.body['delivery_link'])) ?? {}
  return { id, key, code: undefined, clientId: String(created.body['client_id']) }
}

interface Certificate {
  readonly serial: string
  readonly certificate: string
  readonly chain: string
  readonly private_key?: string
  readonly pkcs12?: string
  readonly pkcs12_password?: string
  readonly ignored: string[]
}

const certificateOf = (claimed: Answer) => claimed.json<{ certificate: Certificate }>().certificate
const refusal = (answer: Answer) => [answer.status, answer.json()['reason']]
const status = async (link: TestLink) => (await postJson(server, `/claim/${link.id}/status`, { key: link.key })).json()

function askToken(caller: MtlsCaller, clientId: string, more: Record<string, string> = {}) {
  return postMtls(server, '/oauth2/token', { grant_type: 'client_credentials', client_id: clientId, ...more }, caller)
}

const identity = ({ certificate, chain, private_key: key = '' }: Certificate, own = key): MtlsCaller => ({
  identity: { cert: certificate + chain, key: own },
})

const certificatesOf = async (clientId: string) =>
  (await admin('GET', `/certificates?client_id=${clientId}`)).body['items'] as { state: string; serial: string }[]

describe('a client that authenticates by certificate', () => {
  test('is made with a link, and has no certificate before the claim', async () => {
    const link = await newLink('mtls')
    expect(await status(link)).toMatchObject({ state: 'open', authentication: 'mtls', needs_key: 'csr' })
    expect(await certificatesOf(link.clientId)).toEqual([])
  })

  test('has none with link: false, and none is made for a secret that it does not take', async () => {
    const body = { name: 'bare', scopes: ['configurations/read'], authentication: 'mtls' }
    expect((await admin('POST', '/clients', { body: { ...body, link: false } })).body).not.toHaveProperty(
      'delivery_link',
    )
    const { clientId } = await newLink('mtls')
    const answer = await admin('POST', `/clients/${clientId}/links`, { body: { secret_name: 'x' } })
    expectProblem(answer, 422, 'client.takes_no_secret')
  })

  test('gets it for the key of the request that it sends with the claim', async () => {
    const link = await newLink('mtls')
    const testKey = await makeTestKey()
    const claimed = await claim(server, link, { csr: await makeTestCsr(testKey) })
    expect(claimed.status).toBe(200)
    expect(claimed.json()).toMatchObject({
      authentication: 'mtls',
      client_id: link.clientId,
      mtls_token_endpoint: server.mtlsTokenEndpoint,
    })
    expect(claimed.json()).not.toHaveProperty('client_secret')
    const certificate = certificateOf(claimed)
    for (const name of ['private_key', 'pkcs12']) expect(certificate).not.toHaveProperty(name)
    const token = await askToken(identity(certificate, await keyPem(testKey)), link.clientId)
    expect([token.status, token.json()['scope']]).toEqual([200, 'configurations/read'])
    // Another certificate of the same client's key maker does not do.
    const other = await identityOf(testKey, await makeTestCertificate(testKey))
    expect((await askToken({ identity: other }, link.clientId)).status).toBe(401)
    expect(refusal(await claim(server, link, { make_key: true }))).toEqual([409, 'link.claimed'])
  })

  test('may have the key made, and is handed it once: PEM, and PKCS #12 with a password', async () => {
    const link = await newLink('mtls')
    const certificate = certificateOf(await claim(server, link, { make_key: true }))
    expect((await askToken(identity(certificate), link.clientId)).status).toBe(200)
    expect(certificate.pkcs12_password).toMatch(/^\w{20}$/)
    const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-p12-'))
    try {
      writeFileSync(path.join(folder, 'c.p12'), Buffer.from(certificate.pkcs12 ?? '', 'base64'))
      if (!hasOpenssl) return
      const read = (password = '') =>
        run('openssl', ['pkcs12', '-in', 'c.p12', '-passin', `pass:${password}`, '-nodes'], { cwd: folder })
      const { stdout } = await read(certificate.pkcs12_password)
      expect(stdout).toContain(certificate.certificate.split('\n')[1])
      expect(stdout).toContain('PRIVATE KEY')
      await expect(read('wrong')).rejects.toThrow()
    } finally {
      rmSync(folder, { recursive: true })
    }
    // The answer is the only place that ever held it.
    const secret = (certificate.private_key ?? '').split('\n')[1] ?? 'none'
    expect(server.logLines.join('\n')).not.toContain(secret)
  })

  test.each([
    ['nothing', {}, 'link.key_needed'],
    ['both', { csr: 'x', make_key: true }, 'link.key_unwanted'],
    ['a certificate of its own', { certificate: 'x' }, 'link.key_unwanted'],
    ['a request that is none', { csr: 'x' }, 'link.key_unsuitable'],
    ['a private key', { csr: '-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----' }, 'link.key_unsuitable'],
  ])('a claim that brings %s is refused, and spends nothing', async (_, body, reason) => {
    const link = await newLink('mtls')
    const answer = await claim(server, link, body)
    expect(refusal(answer)).toEqual([422, reason])
    expect(await stateOf(server, link)).toBe('open')
    expect(await certificatesOf(link.clientId)).toEqual([])
  })

  test('a key that is not P-256 is refused in words', async () => {
    const link = await newLink('mtls')
    const other = await makeTestKey(p384)
    const answer = await claim(server, link, { csr: await makeTestCsr(other) })
    expect(answer.json()['detail']).toContain('P-256')
  })

  test('a claim with make_key: false, or a stranger’s, learns nothing', async () => {
    const link = await newLink('mtls')
    expect(refusal(await claim(server, link, { make_key: false }))).toEqual([400, 'request.invalid'])
    const stranger = { ...link, key: 'x'.repeat(43) }
    expect(refusal(await claim(server, stranger, { csr: 'x' }))).toEqual([404, 'link.unknown'])
  })
})

describe('a claim of a certificate', () => {
  test('has one winner of a hundred, and makes one certificate', async () => {
    const link = await newLink('mtls')
    const csrs = await Promise.all(Array.from({ length: 100 }, async () => makeTestCsr(await makeTestKey())))
    const answers = await Promise.all(csrs.map((csr) => claim(server, link, { csr })))
    expect(answers.filter(({ status: code }) => code === 200)).toHaveLength(1)
    for (const lost of answers.filter(({ status: code }) => code !== 200))
      expect(refusal(lost)).toEqual([409, 'link.claimed'])
    expect(await certificatesOf(link.clientId)).toHaveLength(1)
  })

  test('that was not theirs ends the certificate, every renewal of it, and the tokens of both', async () => {
    const link = await newLink('mtls')
    const first = certificateOf(await claim(server, link, { make_key: true }))
    const testKey = await makeTestKey()
    const renewed = await admin('POST', `/certificates/${first.serial}/renew`, {
      body: { csr: await makeTestCsr(testKey) },
    })
    const second = renewed.body as unknown as Certificate
    const callers = [identity(first), identity(second, await keyPem(testKey))]
    const tokens = await Promise.all(callers.map((caller) => askToken(caller, link.clientId)))
    expect(tokens.map(({ status: code }) => code)).toEqual([200, 200])
    await postJson(server, `/claim/${link.id}/disown`, { key: link.key })
    for (const caller of callers) expect((await askToken(caller, link.clientId)).status).toBe(401)
    for (const token of tokens) {
      const read = await admin('POST', '/tokens/inspect', { body: { token: token.json()['access_token'] } })
      expect(read.body).toMatchObject({ active: false })
    }
    const all = await certificatesOf(link.clientId)
    expect(all.map(({ state }) => state)).toEqual(['revoked', 'revoked'])
  })

  test('is in the audit log, by serial and nothing more', async () => {
    const link = await newLink('mtls')
    const { serial, private_key: privateKey = '' } = certificateOf(await claim(server, link, { make_key: true }))
    const { body, text } = await admin('GET', '/audit/events?limit=50')
    const events = body['items'] as { event: string; subject: string; details: object }[]
    expect(events.find(({ event, subject }) => event === 'link.claimed' && subject === link.id)).toMatchObject({
      details: { client_id: link.clientId, certificate: serial },
    })
    expect(events.find(({ event, subject }) => event === 'certificate.issued' && subject === serial)).toBeDefined()
    expect(text).not.toContain(privateKey.split('\n')[1] ?? 'none')
  })
})

describe('secret and certificate', () => {
  test('come together, and count together only', async () => {
    const link = await newLink('secret-and-certificate')
    const claimed = await claim(server, link, { make_key: true })
    const { client_secret: secret } = claimed.json<{ client_secret: string }>()
    const caller = identity(certificateOf(claimed))
    expect((await askToken(caller, link.clientId, { client_secret: secret })).status).toBe(200)
    expect((await askToken({}, link.clientId, { client_secret: secret })).status).toBe(401)
    expect((await askToken(caller, link.clientId)).status).toBe(401)
  })

  test('end together, when somebody says that it was not him', async () => {
    const link = await newLink('secret-and-certificate')
    const claimed = await claim(server, link, { make_key: true })
    const { client_secret: secret } = claimed.json<{ client_secret: string }>()
    const certificate = certificateOf(claimed)
    const token = await askToken(identity(certificate), link.clientId, { client_secret: secret })
    const disowned = await postJson(server, `/claim/${link.id}/disown`, { key: link.key })
    expect(disowned.json()).toMatchObject({ revoked: true, status: { state: 'disowned' } })
    expect((await askToken(identity(certificate), link.clientId, { client_secret: secret })).status).toBe(401)
    expect(await certificatesOf(link.clientId)).toMatchObject([
      { state: 'revoked', revocation_reason: 'keyCompromise' },
    ])
    const read = await admin('POST', '/tokens/inspect', { body: { token: token.json()['access_token'] } })
    expect(read.body).toMatchObject({ active: false })
  })
})

describe('a plain secret', () => {
  test('takes no key, and says so', async () => {
    const link = await newLink('secret')
    expect(await status(link)).toMatchObject({ authentication: 'secret', needs_key: 'none' })
    expect(refusal(await claim(server, link, { make_key: true }))).toEqual([422, 'link.key_unwanted'])
    expect((await claim(server, link)).json()).not.toHaveProperty('mtls_token_endpoint')
  })
})

describe('a certificate of the client’s own', () => {
  test('is registered by the claim, which hands nothing out', async () => {
    const link = await newLink('self-signed-mtls')
    expect(await status(link)).toMatchObject({ needs_key: 'certificate' })
    expect(refusal(await claim(server, link))).toEqual([422, 'link.key_needed'])
    const testKey = await makeTestKey()
    const certificate = await makeTestCertificate(testKey)
    const own = await identityOf(testKey, certificate)
    expect((await askToken({ identity: own }, link.clientId)).status).toBe(401)
    const claimed = await claim(server, link, { certificate: pemOf(certificate) })
    const spki = new X509Certificate(pemOf(certificate)).publicKey.export({ format: 'der', type: 'spki' })
    expect(claimed.json()).toMatchObject({ registered_key: createHash('sha256').update(spki).digest('hex') })
    for (const name of ['client_secret', 'certificate']) expect(claimed.json()).not.toHaveProperty(name)
    expect((await askToken({ identity: own }, link.clientId)).status).toBe(200)
    await postJson(server, `/claim/${link.id}/disown`, { key: link.key })
    expect((await askToken({ identity: own }, link.clientId)).status).toBe(401)
  })

  test('that has ended, or is none, is refused in words and spends nothing', async () => {
    const link = await newLink('self-signed-mtls')
    const old = await makeTestCertificate(await makeTestKey(), { notBefore: 0, notAfter: Date.now() - day })
    const answer = await claim(server, link, { certificate: pemOf(old) })
    expect([...refusal(answer), answer.json()['detail']]).toEqual([422, 'link.key_unsuitable', 'it has expired'])
    expect(refusal(await claim(server, link, { certificate: 'x' }))).toEqual([422, 'link.key_unsuitable'])
    expect(await stateOf(server, link)).toBe('open')
  })
})

describe('what nobody confirmed', () => {
  /** By a clock of its own: fifteen minutes pass. */
  test('is revoked after 15 minutes, certificate and renewals too; a use, or the receipt, keeps it', async () => {
    const own = await startMtlsServer()
    const asTeam = adminSender(own.adminSocket)
    await own.registerApi('configurations', ['read'])
    const clients = await Promise.all(
      ['unseen', 'acknowledged', 'used'].map(async () => createClientOver(asTeam, 'mtls')),
    )
    const made = await Promise.all(
      clients.map(async ({ clientId }) => {
        const link = await makeLink(own, clientId)
        return { clientId, link, claimed: await claim(own, link, { make_key: true }) }
      }),
    )
    const [unseen, acknowledged, used] = made
    if (unseen === undefined || acknowledged === undefined || used === undefined) throw new Error('not three')
    await postJson(own, `/claim/${acknowledged.link.id}/acknowledge`, {
      key: acknowledged.link.key,
      receipt: acknowledged.claimed.json()['receipt'],
    })
    const ask = ({ clientId, claimed }: typeof unseen) =>
      postMtls(
        own,
        '/oauth2/token',
        { grant_type: 'client_credentials', client_id: clientId },
        identity(certificateOf(claimed)),
      )
    expect((await ask(used)).status).toBe(200)
    own.clock.advance(15 * minute + 1000)
    await expect.poll(() => stateOf(own, unseen.link), { timeout: 20_000 }).toBe('undelivered')
    await expect.poll(() => stateOf(own, used.link), { timeout: 20_000 }).toBe('delivered')
    expect([await ask(unseen), await ask(acknowledged), await ask(used)].map((answer) => answer.status)).toEqual([
      401, 200, 200,
    ])
    const list = (await asTeam('GET', `/certificates?client_id=${unseen.clientId}`)).body['items']
    expect(list).toMatchObject([{ state: 'revoked', revocation_reason: 'cessationOfOperation' }])
    await own.dispose()
  })

  test('ends with a new link, and the list names what was delivered', async () => {
    const link = await newLink('mtls')
    const { serial } = certificateOf(await claim(server, link, { make_key: true }))
    const before = await admin('GET', `/links?client_id=${link.clientId}`)
    expect(before.body['items']).toMatchObject([{ state: 'claimed', certificate_serial: serial }])
    await makeLink(server, link.clientId)
    expect(await stateOf(server, link)).toBe('revoked')
    expect(await certificatesOf(link.clientId)).toMatchObject([{ state: 'revoked', serial }])
    const crl = await send(`${server.issuer}/ca/clients.crl`)
    expect(crl.status).toBe(200)
  })
})
