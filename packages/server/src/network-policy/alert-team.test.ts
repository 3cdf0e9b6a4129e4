import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startBehindProxy, type ProxiedServer } from './network.test.support.ts'

/* Mail of `dev` goes to files. */

let behind: ProxiedServer

const office = { cidr: '198.51.100.0/24' }
const outside = '203.0.113.9'
const hourMs = 3_600_000

beforeEach(async () => {
  const notices = {
    smtp: undefined,
    from: 'lk@provider.example',
    teamAddresses: ['team@provider.example'],
    webhook: undefined,
  }
  behind = await startBehindProxy({ notices })
  await behind.server.registerApi('orders', ['read'])
})

afterEach(() => behind.server.dispose())

function mails(): string[] {
  const folder = path.join(behind.server.config.dataDirectory, 'mail')
  try {
    return readdirSync(folder).map((file) => readFileSync(path.join(folder, file), 'utf8'))
  } catch {
    return []
  }
}

const mailsArrive = (count: number) => expect.poll(() => mails().length, { timeout: 8000 }).toBe(count)

async function alertsOf(clientId: string): Promise<unknown[]> {
  const { body } = await behind.admin('GET', `/audit/events?event=network.team_alerted&client_id=${clientId}`)
  return body['items'] as unknown[]
}

test('a right secret from a wrong place reaches the team once an hour, however often it comes', async () => {
  const partner = await behind.register(['orders/read'], { allow: [office] })
  const other = await behind.register(['orders/read'], { allow: [office] })
  for (let i = 0; i < 50; i++) expect((await behind.token(partner, outside)).status).toBe(400)
  await mailsArrive(1)
  expect(mails()[0]?.replaceAll('=\r\n', '')).toContain(outside)
  expect(mails()[0]).toContain(partner.clientId)
  expect(mails()[0]).toContain('team@provider.example')
  expect(mails()[0]).not.toContain(partner.clientSecret)
  // Another client is another matter, and so is the same an hour later.
  expect((await behind.token(other, outside)).status).toBe(400)
  await mailsArrive(2)
  behind.server.clock.advance(hourMs - 60_000)
  await behind.token(partner, outside)
  await sleep(2500)
  expect(mails()).toHaveLength(2)
  expect(await alertsOf(partner.clientId)).toHaveLength(1)
  behind.server.clock.advance(60_000)
  await behind.token(partner, outside)
  await mailsArrive(3)
  expect(await alertsOf(partner.clientId)).toHaveLength(2)
})

test('nobody is told of strangers, of what is allowed, or of what is only reported', async () => {
  const partner = await behind.register(['orders/read'], { allow: [office] })
  const reported = await behind.register(['orders/read'], { mode: 'report', allow: [office] })
  await behind.token({ ...partner, clientSecret: `${partner.clientSecret}x` }, outside)
  await behind.token(partner, '198.51.100.7')
  await behind.token(reported, outside)
  await sleep(2500)
  expect(mails()).toEqual([])
  // Where it is asked for a token or about one makes no difference.
  await behind.post('/oauth2/introspect', partner, outside, { token: 'x' })
  await mailsArrive(1)
})
