import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { usePostgres } from '../../store/postgres.test.support.ts'
import { startTestServer, testClock, type TestClock, type TestServer } from '../../testing/start-test-server.ts'
import { askToken, claim, makeLink, stateOf } from './link.test.support.ts'

/* Two servers on one PostgreSQL, each with its own clock: one that has not reported yet may have seen a use. */

const { server: postgres } = usePostgres()
const clocks: [TestClock, TestClock] = [testClock(), testClock()]
let one: TestServer
let two: TestServer

beforeAll(async () => {
  const url = postgres().url(await postgres().createDatabase())
  const masterKey = { kind: 'value', value: randomBytes(32).toString('base64url') } as const
  const config = { database: { kind: 'postgres', url }, masterKey, issuer: 'https://auth.example.com' } as const
  one = await startTestServer(config, clocks[0])
  two = await startTestServer(config, clocks[1])
  await one.registerApi('configurations', ['read'])
})

afterAll(async () => {
  await one.dispose()
  await two.dispose()
})

test('a link of one is claimed at the other; of a hundred at both, one wins', async () => {
  const { clientId } = await one.registerClient(['configurations/read'])
  const link = await makeLink(one, clientId)
  const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => claim(i % 2 === 0 ? one : two, link)))
  const won = answers.filter(({ status }) => status === 200)
  expect(won).toHaveLength(1)
  for (const answer of won) for (const server of [one, two]) expect((await askToken(server, answer)).status).toBe(200)
})

test('a claim is judged only after every server has reported its uses', async () => {
  const { clientId } = await one.registerClient(['configurations/read'])
  const link = await makeLink(one, clientId)
  const claimed = await claim(one, link)
  // The second stands still: for the first it has not said yet what it saw in these fifteen minutes.
  clocks[0].advance(16 * 60_000)
  await wait(12_000)
  expect(await stateOf(one, link)).toBe('claimed')
  clocks[1].advance(16 * 60_000)
  await expect.poll(() => stateOf(one, link), { timeout: 20_000 }).toBe('undelivered')
  await expect.poll(async () => (await askToken(two, claimed)).status, { timeout: 2000 }).toBe(401)
})

test('one that is silent for half an hour is not waited for', async () => {
  const { clientId } = await one.registerClient(['configurations/read'])
  const link = await makeLink(one, clientId)
  await claim(one, link)
  // Thirty minutes behind, it is as if it had not been heard of since.
  clocks[0].advance(40 * 60_000)
  await expect.poll(() => stateOf(one, link), { timeout: 20_000 }).toBe('undelivered')
})
