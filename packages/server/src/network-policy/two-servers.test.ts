import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { usePostgres } from '../store/postgres.test.support.ts'
import { testClock } from '../testing/start-test-server.ts'
import { startBehindProxy, type ProxiedServer, type TestPartner } from './network.test.support.ts'

/* Two servers on one PostgreSQL: what is narrowed at one is refused by the other within a second. */

const { server: postgres } = usePostgres()

const servers: ProxiedServer[] = []
const inside = '198.51.100.7'
const office = { cidr: '198.51.100.0/24' }

beforeAll(async () => {
  const url = postgres().url(await postgres().createDatabase())
  const masterKey = { kind: 'value', value: randomBytes(32).toString('base64url') } as const
  const config = { database: { kind: 'postgres', url }, masterKey, issuer: 'https://auth.example.com' } as const
  const clock = testClock()
  servers.push(await startBehindProxy(config, clock), await startBehindProxy(config, clock))
  await servers[0]?.server.registerApi('orders', ['read'])
})

afterAll(async () => {
  for (const { server } of servers) await server.dispose()
})

test('a client that is narrowed at one server is refused by the other, with the tokens that it has, within a second', async () => {
  const [one, two] = servers
  if (one === undefined || two === undefined) throw new Error('there are not two')
  const partner = await one.register(['orders/read'])
  const tokens = { one: await tokenOf(one, partner), two: await tokenOf(two, partner) }
  const narrow = { network: { allow: [{ cidr: '203.0.113.0/24' }] } }
  expect((await one.admin('PATCH', `/clients/${partner.clientId}`, narrow)).status).toBe(200)
  const changedAt = performance.now()
  const refuses = async () => (await two.token(partner, inside)).status === 400
  while (!(await refuses()) && performance.now() - changedAt < 3000) await sleep(20)
  expect(performance.now() - changedAt).toBeLessThan(1000)
  // From where it may, it asks about its tokens: those from before are dead at both, whoever issued them.
  for (const server of [one, two]) {
    for (const token of Object.values(tokens)) {
      const answer = await server.post('/oauth2/introspect', partner, '203.0.113.9', { token })
      expect(answer.json()).toEqual({ active: false })
    }
  }
  const feed = await one.get('/oauth2/revocations', partner, inside)
  await expect
    .poll(async () => (await two.get('/oauth2/revocations', partner, inside)).json()['sequence'])
    .toBe(feed.json()['sequence'])
  // Wider again: at once for the tokens to come, and nothing is revived.
  await one.admin('PATCH', `/clients/${partner.clientId}`, { network: { allow: [office] } })
  await expect.poll(async () => (await two.token(partner, inside)).status, { timeout: 2000, interval: 20 }).toBe(200)
  const old = await two.post('/oauth2/introspect', partner, inside, { token: tokens.two })
  expect(old.json()).toEqual({ active: false })
})

test('the team is told once, whichever servers refuse', async () => {
  const [one, two] = servers
  if (one === undefined || two === undefined) throw new Error('there are not two')
  const partner = await one.register(['orders/read'], { allow: [office] })
  for (const server of [one, two, one, two]) expect((await server.token(partner, '203.0.113.9')).status).toBe(400)
  const alerts = async () => {
    const { body } = await one.admin('GET', `/audit/events?event=network.team_alerted&client_id=${partner.clientId}`)
    return (body['items'] as unknown[]).length
  }
  await expect.poll(alerts, { timeout: 5000 }).toBe(1)
  await sleep(2500)
  expect(await alerts()).toBe(1)
})

async function tokenOf(server: ProxiedServer, partner: TestPartner): Promise<string> {
  return String((await server.token(partner, inside)).json()['access_token'])
}
