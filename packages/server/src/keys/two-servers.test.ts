import { randomBytes } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rotateMasterKey } from '../composition/rotate-master-key.ts'
import type { Config } from '../config/config.ts'
import { systemRandom } from '../kernel/random.ts'
import { startPostgres, type PostgresServer } from '../store/postgres-server.test.support.ts'
import { startTestServer, testClock } from '../testing/start-test-server.ts'
import { keyedServer, kidOf, verifies, type KeyedServer } from './keyed-server.test.support.ts'

/* Two servers on one PostgreSQL, each with a data directory of its own: what one does with the keys, the other follows. */

const clock = testClock()
/** Where the second keeps its data. */
const folder = mkdtempSync(path.join(os.tmpdir(), 'latchkey-two-'))
/** What "at once" is for another server, in milliseconds. */
const soon = { timeout: 5000, interval: 20 }

let postgres: PostgresServer
let config: Partial<Config>
let first: KeyedServer
let second: KeyedServer

beforeAll(async () => {
  postgres = await startPostgres()
  const url = postgres.url(await postgres.createDatabase())
  config = {
    issuer: 'https://auth.example.com',
    database: { kind: 'postgres', url },
    masterKey: { kind: 'value', value: randomBytes(32).toString('base64url') },
  }
  first = await keyedServer(await startTestServer(config, clock))
  second = await keyedServer(await startTestServer(config, clock, folder), first.client)
})
afterAll(async () => {
  await Promise.all([first.server.dispose(), second.server.dispose()])
  await postgres.dispose()
})

const active = ({ server }: KeyedServer) => server.services.keys.all().find(({ state }) => state === 'active')?.kid

test('a rotation on one is followed by the other, and no token is refused meanwhile', async () => {
  const old = await second.token()
  await first.admin('POST', '/keys/rotate')
  const meanwhile = await second.token()
  expect(kidOf(await first.token())).not.toBe(kidOf(old))
  await expect.poll(() => active(second), soon).toBe(active(first))
  const fresh = await second.token()
  expect(kidOf(fresh)).toBe(active(first))
  for (const token of [old, meanwhile, fresh]) {
    for (const house of [first, second]) {
      expect(await house.introspect(token)).toBe(true)
      expect(await verifies(token, await house.jwks(), clock.now())).toBe(true)
    }
  }
})

test('a key that is revoked on one signs nothing on the other, and its tokens are refused there', async () => {
  const token = await second.token()
  const revoked = kidOf(token)
  await first.admin('POST', `/keys/${revoked}/revoke`)
  const meanwhile = await Promise.all(Array.from({ length: 20 }, () => second.token()))
  // The store knows it at once, whoever is asked: what the other still signs with the revoked key is dead already.
  for (const each of [token, ...meanwhile]) expect(await second.introspect(each)).toBe(kidOf(each) !== revoked)
  await expect.poll(() => active(second), soon).not.toBe(revoked)
  const fresh = await second.token()
  expect(kidOf(fresh)).toBe(active(first))
  expect(await first.introspect(fresh)).toBe(true)
  const feed = `http://127.0.0.1:${second.server.publicPort}/oauth2/revocations`
  await expect.poll(async () => (await fetch(feed)).text(), soon).toContain(revoked)
})

test('both keep the schedule, and one of them rotates', async () => {
  const before = (await first.keyEvents()).length
  clock.advance(91 * 86_400_000)
  const houses = [first, second, first, second]
  await Promise.all(houses.map(({ server }) => server.services.keys.keepSchedule()))
  await expect.poll(() => active(second), soon).toBe(active(first))
  const activated = (await first.keyEvents()).slice(before).filter((event) => event.startsWith('key.activated'))
  expect(activated).toHaveLength(1)
})

test('the master key is rotated while both run; who starts afterwards needs the new one', async () => {
  const file = path.join(folder, 'next.key')
  const rotated = await rotateMasterKey(second.server.config, file, { clock, random: systemRandom() })
  expect(rotated).toEqual({ dataKeys: 3, file, isInPlace: false })
  for (const house of [first, second]) {
    expect(await house.introspect(await house.token())).toBe(true)
    expect((await house.admin('POST', '/keys/rotate')).status).toBe(200)
  }
  await second.server.stop()
  await expect(startTestServer(config, clock, folder)).rejects.toMatchObject({ code: 'master_key.wrong' })
  const again = await startTestServer({ ...config, masterKey: { kind: 'file', path: file } }, clock, folder)
  second = await keyedServer(again, first.client)
  expect(await first.introspect(await second.token())).toBe(true)
  expect(await second.server.services.audit.verify()).toMatchObject({ intact: true })
})

test('without its database a server keeps its ring, and hears of a rotation afterwards', async () => {
  const ring = active(second)
  const jwks = await second.jwks()
  const token = await second.token()
  await postgres.shutDown()
  expect(await second.jwks()).toEqual(jwks)
  expect(kidOf(await second.token())).toBe(ring)
  expect((await second.admin('POST', '/keys/rotate')).status).toBe(503)
  await postgres.start()
  await expect.poll(async () => (await first.admin('POST', '/keys/rotate')).status, { timeout: 20_000 }).toBe(200)
  await expect.poll(() => active(second), { timeout: 20_000 }).toBe(active(first))
  await expect.poll(() => second.introspect(token), { timeout: 20_000 }).toBe(true)
})
