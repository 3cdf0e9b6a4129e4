import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { usePostgres } from '../store/postgres.test.support.ts'
import { startTestServer, testClock, type TestServer } from '../testing/start-test-server.ts'
import { adminSender, expectProblem, remoteSender, type AdminAnswer, type SendAdmin } from './testing/admin-request.ts'

/* Two processes' worth of servers on one PostgreSQL: what the admin API promises holds between them, not only within each. */

const { server: postgres } = usePostgres()

const servers: TestServer[] = []
let one: SendAdmin
let two: SendAdmin

beforeAll(async () => {
  const url = postgres().url(await postgres().createDatabase())
  const masterKey = { kind: 'value', value: randomBytes(32).toString('base64url') } as const
  const config = { database: { kind: 'postgres', url }, masterKey, issuer: 'https://auth.example.com' } as const
  const clock = testClock()
  // At the same moment: both find that there is no admin resource server yet.
  servers.push(...(await Promise.all([startTestServer(config, clock), startTestServer(config, clock)])))
  const [first, second] = servers.map((server) => adminSender(server.adminSocket))
  if (first === undefined || second === undefined) throw new Error('there are not two')
  one = first
  two = second
  const body = { name: 'orders', audience: 'urn:orders', scopes: [{ name: 'read', description: '' }] }
  const made = await one('POST', '/resource-servers', { body })
  if (made.status !== 201) throw new Error(made.text)
})

afterAll(async () => {
  for (const server of servers) await server.dispose()
})

describe('two servers on one database', () => {
  it('make one admin resource server between them', async () => {
    const events = await one('GET', '/audit/events?event=resource_server.created')
    const subjects = (events.body['items'] as { subject: string }[]).map(({ subject }) => subject)
    expect(subjects.filter((subject) => subject === 'latchkey')).toHaveLength(1)
  })

  it('do a create once, when both get it with the same key at the same moment', async () => {
    const before = await clients()
    const key = randomUUID()
    const answers = await atBoth((send) => {
      return send('POST', '/clients', {
        body: { name: 'once', scopes: ['orders/read'] },
        headers: { 'idempotency-key': key },
      })
    })
    for (const answer of answers) expect(answer).toMatchObject({ status: 201, body: answers[0]?.body ?? {} })
    expect(await clients()).toBe(before + 1)
  })

  it('let one of many updates of the same revision win', async () => {
    const at = `/clients/${await newClient()}`
    const answers = await atBoth((send, i) => send('PATCH', at, { body: { name: `n${i}`, revision: 1 } }))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    for (const answer of answers) if (answer.status !== 200) expectProblem(answer, 409, 'revision.stale')
    const winner = answers.find(({ status }) => status === 200)
    for (const send of [one, two])
      expect((await send('GET', at)).body).toMatchObject({ name: winner?.body['name'], revision: 2 })
  })

  it('lose no update that names no revision', async () => {
    const at = `/clients/${await newClient()}`
    const answers = await atBoth((send, i) => send('PATCH', at, { body: { name: `n${i}` } }))
    expect(answers.map(({ body }) => Number(body['revision'])).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: answers.length }, (_each, i) => i + 2),
    )
  })

  it("take each other's cursors", async () => {
    await newClient()
    const page = await one('GET', '/clients?limit=1')
    const url = `/clients?limit=1&cursor=${encodeURIComponent(String(page.body['next_cursor']))}`
    expect((await two('GET', url)).body).toEqual((await one('GET', url)).body)
  })

  it("take each other's tokens, until one of them ends it", async () => {
    const made = await one('POST', '/clients', { body: { name: 'admin', scopes: ['latchkey/clients.read'] } })
    const client_id = String(made.body['client_id'])
    const issued = await one('POST', '/tokens/get', { body: { client_id, scope: 'latchkey/clients.read' } })
    const remote = servers.map(({ adminUrl }) => remoteSender(adminUrl, String(issued.body['access_token'])))
    for (const send of remote) expect((await send('GET', '/clients')).status).toBe(200)
    await two('POST', `/clients/${client_id}/disable`)
    for (const send of remote) expectProblem(await send('GET', '/clients'), 401, 'access.token_invalid')
  })
})

/** Twelve at once, half of them at each server. */
function atBoth(send: (to: SendAdmin, i: number) => Promise<AdminAnswer>): Promise<AdminAnswer[]> {
  return Promise.all(Array.from({ length: 12 }, (_each, i) => send(i % 2 === 0 ? one : two, i)))
}

async function newClient(): Promise<string> {
  const made = await one('POST', '/clients', { body: { name: 'x', scopes: ['orders/read'] } })
  expect(made.status).toBe(201)
  return String(made.body['client_id'])
}

async function clients(): Promise<number> {
  return ((await two('GET', '/clients?limit=1000')).body['items'] as unknown[]).length
}
