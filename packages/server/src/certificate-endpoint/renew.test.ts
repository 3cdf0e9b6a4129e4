import { X509Certificate } from 'node:crypto'
import { Agent, request } from 'node:https'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { adminSender, type SendAdmin } from '../admin-api/testing/admin-request.ts'
import {
  identityOf,
  keyPem,
  makeTestCertificate,
  makeTestCsr,
  makeTestKey,
  type TestIdentity,
} from '../testing/certificates.ts'
import {
  createClientOver,
  issueTo,
  postMtls,
  serverRoot,
  startMtlsServer,
  type IssuedIdentity,
} from '../testing/mtls-server.ts'
import { send, sqliteFile, type TestServer } from '../testing/start-test-server.ts'

let server: TestServer
let admin: SendAdmin
let clientId: string

const hourMs = 3_600_000

beforeAll(async () => {
  server = await startMtlsServer()
  admin = adminSender(server.adminSocket)
  await server.registerApi('configurations', ['read'])
  ;({ clientId } = await createClientOver(admin, 'mtls'))
})
afterAll(() => server.dispose())

interface Renewed {
  readonly status: number
  readonly type: string | undefined
  readonly text: string
}

/** Sends a body as it is, as `curl --data-binary` does. */
function renew(body: string, identity?: TestIdentity, method = 'POST'): Promise<Renewed> {
  const { origin } = new URL(server.mtlsTokenEndpoint ?? '')
  return new Promise((resolve, reject) => {
    const outgoing = request(`${origin}/ca/renew`, {
      method,
      ca: serverRoot(server),
      agent: new Agent({ keepAlive: false }),
      headers: { 'Content-Type': 'application/pkcs10' },
      ...identity,
    })
    outgoing.on('error', reject)
    outgoing.on('response', (incoming) => {
      void incoming.toArray().then((chunks) => {
        const text = Buffer.concat(chunks as Buffer[]).toString()
        resolve({ status: incoming.statusCode ?? 0, type: incoming.headers['content-type'], text })
      }, reject)
    })
    outgoing.end(body)
  })
}

/** A certificate that is in the last third of its life. */
async function ripe(of: string = clientId): Promise<IssuedIdentity> {
  const identity = await issueTo(admin, of, 3600)
  server.clock.advance(hourMs * 0.7)
  return identity
}

async function tokenBy(identity: TestIdentity, of: string = clientId): Promise<number> {
  const form = { grant_type: 'client_credentials', client_id: of }
  return (await postMtls(server, '/oauth2/token', form, { identity })).status
}

async function lastReason(): Promise<unknown> {
  return (await server.services.audit.list({ limit: 1, event: 'renewal.denied' })).items[0]?.details['reason']
}

async function certificatesOf(client: string): Promise<Record<string, unknown>[]> {
  return (await admin('GET', `/certificates?client_id=${client}`)).body['items'] as Record<string, unknown>[]
}

test('by the current certificate, for a new key: both are good until the old one ends', async () => {
  const old = await ripe()
  const key = await makeTestKey()
  const answer = await renew(await makeTestCsr(key), old)
  expect(answer).toMatchObject({ status: 201, type: 'application/pem-certificate-chain' })
  expect(answer.text.match(/-----BEGIN CERTIFICATE-----/g)).toHaveLength(3)
  const next = { cert: answer.text, key: await keyPem(key) }
  expect([await tokenBy(old), await tokenBy(next)]).toEqual([200, 200])
  const [before, after] = [new X509Certificate(old.cert), new X509Certificate(next.cert)]
  expect(after.subjectAltName).toBe(before.subjectAltName)
  expect(after.serialNumber).not.toBe(before.serialNumber)
  expect(after.validToDate.getTime() - server.clock.now()).toBeGreaterThan(89 * 24 * hourMs)
  server.clock.advance(hourMs * 0.3)
  expect([await tokenBy(old), await tokenBy(next)]).toEqual([401, 200])
})

test('from an address that the client may not call from is refused, and says which was seen; the next is not', async () => {
  const bound = await createClientOver(admin, 'mtls')
  const old = await ripe(bound.clientId)
  const csr = await makeTestCsr(await makeTestKey())
  const allow = (cidr: string) =>
    admin('PATCH', `/clients/${bound.clientId}`, { body: { network: { allow: [{ cidr }] } } })
  await allow('198.51.100.0/24')
  const refused = await renew(csr, old)
  expect(refused).toMatchObject({ status: 403, text: expect.stringContaining('127.0.0.1') })
  expect(await lastReason()).toBe('network.address_not_allowed')
  expect(await certificatesOf(bound.clientId)).toHaveLength(1)
  await allow('127.0.0.0/8')
  expect((await renew(csr, old)).status).toBe(201)
})

test('asked for again before it was used, the first renewal is revoked and another made; once used, there is no other', async () => {
  const old = await ripe()
  const [one, two] = [await makeTestKey(), await makeTestKey()]
  const lost = await renew(await makeTestCsr(one), old)
  const again = await renew(await makeTestCsr(two), old)
  expect([lost.status, again.status]).toEqual([201, 201])
  const next = { cert: again.text, key: await keyPem(two) }
  expect(await tokenBy({ cert: lost.text, key: await keyPem(one) })).toBe(401)
  expect(await tokenBy(next)).toBe(200)
  // Uses are written behind, every second.
  await sleep(2500)
  expect((await renew(await makeTestCsr(one), old)).status).toBe(409)
  expect(await lastReason()).toBe('certificate.renewed')
  expect(await tokenBy(next)).toBe(200)
})

test('eleven times without a use of any is too often, until the team renews it: each would stay on record for ever', async () => {
  const { clientId: own } = await createClientOver(admin, 'mtls')
  const old = await ripe(own)
  const key = await makeTestKey()
  const csr = await makeTestCsr(key)
  for (let i = 0; i < 10; i++) expect((await renew(csr, old)).status).toBe(201)
  const refused = await renew(csr, old)
  expect(refused).toMatchObject({ status: 409, text: expect.stringContaining('10 times') })
  expect(await lastReason()).toBe('certificate.renewed')
  expect(await certificatesOf(own)).toHaveLength(11)
  const byTeam = await admin('POST', `/certificates/${old.serial}/renew`, { body: { csr } })
  expect(byTeam.status).toBe(201)
  expect(await tokenBy({ cert: String(byTeam.body['certificate']), key: await keyPem(key) }, own)).toBe(200)
})

test('while the database does nothing: 503, on record, and nothing is spent', async () => {
  const old = await ripe()
  const csr = await makeTestCsr(await makeTestKey())
  const db = new DatabaseSync(sqliteFile(server.config))
  db.exec('BEGIN IMMEDIATE')
  const away = await renew(csr, old)
  db.exec('ROLLBACK')
  db.close()
  expect(away).toMatchObject({ status: 503, type: 'application/problem+json' })
  expect(await lastReason()).toBe('unavailable.store')
  expect((await renew(csr, old)).status).toBe(201)
})

describe('refused', () => {
  test('before the last third of its life; and it says from when on', async () => {
    const identity = await issueTo(admin, clientId, 3600)
    const early = await renew(await makeTestCsr(await makeTestKey()), identity)
    expect(early).toMatchObject({ status: 409, type: 'application/problem+json' })
    expect(early.text).toMatch(/can be renewed from 20\d\d-/)
    expect(await lastReason()).toBe('certificate.too_early')
  })

  test('without a certificate, by a stranger’s, and at the other listener', async () => {
    const csr = await makeTestCsr(await makeTestKey())
    expect((await renew(csr)).status).toBe(401)
    const key = await makeTestKey()
    const stranger = await renew(csr, await identityOf(key, await makeTestCertificate(key)))
    expect(stranger.status).toBe(401)
    expect(await lastReason()).toBe('authentication.certificate_unknown')
    expect((await send(`${server.issuer}/ca/renew`, { method: 'POST', body: csr })).status).toBe(404)
  })

  test('for the same key, for another curve, for no request at all', async () => {
    const identity = await ripe()
    const same = await renew(await makeTestCsr(identity.testKey), identity)
    expect(same).toMatchObject({ status: 400 })
    expect(same.text).toContain('make a new one')
    for (const body of ['', 'hello', identity.key, 'x'.repeat(20_000)]) {
      const answer = await renew(body, identity)
      expect([400, 413]).toContain(answer.status)
      expect(answer.text).not.toContain('PRIVATE KEY-----\\n')
    }
    expect((await renew('', identity, 'GET')).status).toBe(405)
    expect(await tokenBy(identity)).toBe(200)
  })

  test('by one that is revoked, of a disabled client, of one that is gone', async () => {
    const csr = await makeTestCsr(await makeTestKey())
    const revoked = await ripe()
    await admin('POST', `/certificates/${revoked.serial}/revoke`, { body: {} })
    expect((await renew(csr, revoked)).status).toBe(401)
    expect(await lastReason()).toBe('certificate.ended')
    const other = await createClientOver(admin, 'mtls')
    const itsOwn = await ripe(other.clientId)
    await admin('POST', `/clients/${other.clientId}/disable`, { body: {} })
    expect((await renew(csr, itsOwn)).status).toBe(403)
    await admin('DELETE', `/clients/${other.clientId}`)
    expect((await renew(csr, itsOwn)).status).toBe(401)
  })
})

describe('by the team', () => {
  const renewBy = (serial: string, csr: string) => admin('POST', `/certificates/${serial}/renew`, { body: { csr } })

  test('at any time, after its end too; not once it is revoked', async () => {
    const client = await createClientOver(admin, 'mtls')
    const identity = await issueTo(admin, client.clientId, 3600)
    const key = await makeTestKey()
    const renewed = await renewBy(identity.serial, await makeTestCsr(key))
    expect(renewed.status).toBe(201)
    const { certificate = '', chain = '' } = renewed.body as Record<string, string>
    expect(await tokenBy({ cert: certificate + chain, key: await keyPem(key) }, client.clientId)).toBe(200)
    const ended = await issueTo(admin, client.clientId, 3600)
    server.clock.advance(2 * hourMs)
    expect((await renewBy(ended.serial, await makeTestCsr(await makeTestKey()))).status).toBe(201)
    await admin('POST', `/certificates/${ended.serial}/revoke`, { body: {} })
    const refused = await renewBy(ended.serial, await makeTestCsr(await makeTestKey()))
    expect({ status: refused.status, reason: refused.body['reason'] }).toEqual({
      status: 409,
      reason: 'certificate.ended',
    })
    expect((await renewBy('0'.repeat(32), await makeTestCsr(key))).status).toBe(404)
  })

  test('with a compromised key every renewal of it is revoked as well; otherwise it alone', async () => {
    for (const [reason, followers] of [
      ['superseded', 'valid'],
      ['keyCompromise', 'revoked'],
    ] as const) {
      const client = await createClientOver(admin, 'mtls')
      const first = await issueTo(admin, client.clientId)
      const second = String((await renewBy(first.serial, await makeTestCsr(await makeTestKey()))).body['serial'])
      const third = String((await renewBy(second, await makeTestCsr(await makeTestKey()))).body['serial'])
      await admin('POST', `/certificates/${first.serial}/revoke`, { body: { reason } })
      const found = (await certificatesOf(client.clientId)).map(({ serial, state }) => [serial, state])
      expect(Object.fromEntries(found)).toEqual({ [first.serial]: 'revoked', [second]: followers, [third]: followers })
    }
  })
})
