import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { adminSender, type SendAdmin } from '../admin-api/testing/admin-request.ts'
import { usePostgres } from '../store/postgres.test.support.ts'
import { keyPem, makeTestCertificate, makeTestCsr, makeTestKey, pemOf, x509 } from '../testing/certificates.ts'
import { createClientOver, issueTo, postMtls, startMtlsServer } from '../testing/mtls-server.ts'
import { startTestServer, testClock, type TestServer } from '../testing/start-test-server.ts'

/* Notices before ends, by a clock that is moved, over a real store; what is told arrives at a real webhook. */

const day = 86_400_000
const contact = 'it@acme.example'

interface Told {
  readonly what: string
  readonly name: string
  readonly days: number
  readonly client_id?: string
}

let receiver: Server
let told: Told[]

beforeAll(async () => {
  receiver = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const { type, data } = JSON.parse(Buffer.concat(chunks).toString()) as { type: string; data: Told }
      if (type === 'ending.near') told.push(data)
      outgoing.end()
    })
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
})

afterAll(() => receiver.close())

const running: TestServer[] = []
beforeEach(() => {
  told = []
})
afterEach(async () => {
  for (const server of running.splice(0)) await server.dispose()
})

const notices = () => ({
  smtp: undefined,
  from: 'latchkey@auth.example.com',
  teamAddresses: ['team@auth.example.com'],
  webhook: { url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`, secret: randomBytes(32) },
})

const toldOf = (what: string, name?: string) =>
  told.filter((one) => one.what === what && (name === undefined || one.name === name)).map(({ days }) => days)

/** Waits for what is told now, and a turn longer for what should not be. */
async function expectTold(expected: Readonly<Record<string, readonly number[]>>): Promise<void> {
  const now = () => Object.fromEntries(Object.keys(expected).map((what) => [what, toldOf(what)]))
  await expect.poll(now, { timeout: 20_000 }).toEqual(expected)
}

/** Longer than it takes to look again, and to send. */
const aTurn = 7000

async function newClient(admin: SendAdmin, more: object): Promise<{ client_id: string }> {
  const body = { name: 'Plant', scopes: ['configurations/read'], contact_address: contact, ...more }
  const answer = await admin('POST', '/clients', { body })
  if (answer.status !== 201) throw new Error(answer.text)
  return answer.body as { client_id: string }
}

test('each end is told 30, 7 and 1 days before, each once: also after a restart, and when no server ran at the time', async () => {
  let server = await startMtlsServer({ notices: notices() })
  await server.registerApi('configurations', ['read'])
  const admin = () => adminSender(server.adminSocket)
  const start = server.clock.now()
  const at = async (days: number) => {
    server.clock.advance(start + days * day - server.clock.now())
    await wait(0)
  }
  const secretOnly = await newClient(admin(), { show_secret: true, secret_expires_in: 60 * 86_400 })
  const { clientId } = await createClientOver(admin(), 'mtls')
  await admin()('PATCH', `/clients/${clientId}`, { body: { contact_address: contact } })
  const { serial } = await issueTo(admin(), clientId)
  const ends = { 'configurations/read': Math.floor(start / 1000) + 45 * 86_400 }
  await admin()('PATCH', `/clients/${secretOnly.client_id}`, { body: { scope_ends: ends } })
  // These are not told: one is revoked, the client of another is disabled.
  const revoked = await createClientOver(admin(), 'mtls')
  const { serial: gone } = await issueTo(admin(), revoked.clientId)
  await admin()('POST', `/certificates/${gone}/revoke`, { body: { reason: 'superseded' } })
  const disabled = await createClientOver(admin(), 'mtls')
  const { serial: asleep } = await issueTo(admin(), disabled.clientId)
  await admin()('POST', `/clients/${disabled.clientId}/disable`, { body: {} })

  await at(14)
  await wait(aTurn)
  expect(told).toEqual([])
  await at(16)
  await expectTold({ scope: [30], secret: [], certificate: [] })
  server = await server.restart()
  await wait(aTurn)
  await expectTold({ scope: [30], secret: [], certificate: [] })
  await at(31)
  await expectTold({ scope: [30], secret: [30], certificate: [] })
  await at(38.5)
  await expectTold({ scope: [30, 7], secret: [30], certificate: [] })
  await at(44.5)
  await expectTold({ scope: [30, 7, 1], secret: [30], certificate: [] })
  await at(54)
  await expectTold({ scope: [30, 7, 1], secret: [30, 7], certificate: [] })
  await at(59.5)
  await expectTold({ scope: [30, 7, 1], secret: [30, 7, 1], certificate: [] })
  await at(61)
  await expectTold({ scope: [30, 7, 1], secret: [30, 7, 1], certificate: [30] })
  // Nobody runs at the seventh day: only the last message is of use afterwards.
  await server.stop()
  const { clock, config } = server
  clock.advance(start + 89.5 * day - clock.now())
  server = await startTestServer(config, clock, path.dirname(config.dataDirectory))
  running.push(server)
  await expectTold({ scope: [30, 7, 1], secret: [30, 7, 1], certificate: [30, 1] })
  expect(toldOf('certificate', serial)).toEqual([30, 1])
  for (const quiet of [gone, asleep]) expect(toldOf('certificate', quiet)).toEqual([])
  // Past the end nothing more is said of it.
  await at(91)
  await wait(aTurn)
  expect(told.length).toBe(8)

  // The server's own certificate, of 365 days, and the authority's, of five and twenty years.
  await at(336)
  await expectTold({ server_certificate: [30], authority: [] })
  await at(5 * 365 - 0.5)
  await expectTold({ authority: [1] })
  expect(told.find(({ what }) => what === 'authority')?.name).toBe('intermediate')

  const mail = path.join(config.dataDirectory, 'mail')
  const letters = readdirSync(mail)
    .filter((file) => file.includes('-ending.near-'))
    .map((file) => readFileSync(path.join(mail, file), 'utf8'))
  const to = (address: string) => letters.filter((letter) => letter.includes(`\nTo: ${address}\n`))
  expect(to('team@auth.example.com')).toHaveLength(told.length)
  // The contact is told of what is his, and of nothing else.
  expect(to(contact)).toHaveLength(8)
  expect(to(contact).join('\n')).not.toMatch(/authority|certificate of the server/i)
}, 240_000)

test('what was renewed, and is in use by its successor, ends quietly; the successor does not', async () => {
  const server = await startMtlsServer({ notices: notices() })
  running.push(server)
  const admin = adminSender(server.adminSocket)
  await server.registerApi('configurations', ['read'])
  const { clientId } = await createClientOver(admin, 'mtls')
  const renewed = await issueTo(admin, clientId)
  const idle = await issueTo(admin, clientId)
  const renew = async (serial: string) => {
    const testKey = await makeTestKey()
    const answer = await admin('POST', `/certificates/${serial}/renew`, { body: { csr: await makeTestCsr(testKey) } })
    const { certificate, chain, serial: next } = answer.body as Record<string, string>
    return { serial: next ?? '', identity: { cert: `${certificate}${chain}`, key: await keyPem(testKey) } }
  }
  const inUse = await renew(renewed.serial)
  await renew(idle.serial)
  const form = { grant_type: 'client_credentials', client_id: clientId }
  expect((await postMtls(server, '/oauth2/token', form, inUse)).status).toBe(200)
  // Uses are written down a moment later.
  await wait(2500)
  server.clock.advance(61 * day)
  await expect.poll(() => told.length, { timeout: 20_000 }).toBe(3)
  await wait(aTurn)
  expect(toldOf('certificate', renewed.serial)).toEqual([])
  for (const serial of [inUse.serial, idle.serial]) expect(toldOf('certificate', serial)).toEqual([30])
  expect(told).toHaveLength(3)
}, 60_000)

test('an address that may be called from, and the foreign authority of a name, are told of as well', async () => {
  const server = await startMtlsServer({ notices: notices() })
  running.push(server)
  const admin = adminSender(server.adminSocket)
  await server.registerApi('configurations', ['read'])
  const now = server.clock.now()
  const inDays = (days: number) => Math.floor(now / 1000) + days * 86_400
  const allow = [{ cidr: '198.51.100.0/24', ends_at: inDays(40) }, { cidr: '203.0.113.7/32' }]
  await newClient(admin, { network: { allow } })
  const { client_id: clientId } = await newClient(admin, { authentication: 'mtls' })
  const authority = await makeTestKey()
  const anchor = await makeTestCertificate(authority, {
    notAfter: now + 50 * day,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  })
  const registration = { san_dns: 'billing.acme.example', anchor: pemOf(anchor) }
  const registered = await admin('POST', `/clients/${clientId}/registered-subjects`, { body: registration })
  expect(registered.status).toBe(201)
  server.clock.advance(11 * day)
  await expectTold({ address: [30], anchor: [] })
  server.clock.advance(10 * day)
  await expectTold({ address: [30], anchor: [30] })
  expect(told.map(({ name }) => name)).toEqual(['198.51.100.0/24', 'billing.acme.example'])
  // Unregistered, its authority is of no consequence.
  const ended = await admin('POST', `/registered-subjects/${String(registered.body['id'])}/revoke`)
  expect(ended.status).toBe(200)
  server.clock.advance(23 * day)
  await wait(aTurn)
  expect(toldOf('anchor')).toEqual([30])
}, 60_000)

const { server: postgres } = usePostgres()

test('two servers on one database tell once between them', async () => {
  const url = postgres().url(await postgres().createDatabase())
  const masterKey = { kind: 'value', value: randomBytes(32).toString('base64url') } as const
  const config = {
    database: { kind: 'postgres', url },
    masterKey,
    issuer: 'https://auth.example.com',
    notices: notices(),
  } as const
  const clock = testClock()
  const one = await startTestServer(config, clock)
  running.push(one)
  running.push(await startTestServer(config, clock))
  await one.registerApi('configurations', ['read'])
  for (let i = 0; i < 20; i++) {
    await newClient(adminSender(one.adminSocket), { show_secret: true, secret_expires_in: 60 * 86_400 })
  }
  for (const [days, threshold] of [
    [31, 30],
    [23, 7],
    [5.5, 1],
  ] as const) {
    clock.advance(days * day)
    await expect.poll(() => told.filter((one_) => one_.days === threshold).length, { timeout: 20_000 }).toBe(20)
    await wait(aTurn)
    const clients = told.filter((one_) => one_.days === threshold).map(({ client_id: id }) => id)
    expect(new Set(clients).size).toBe(20)
    expect(clients).toHaveLength(20)
  }
  expect(told).toHaveLength(60)
}, 120_000)
