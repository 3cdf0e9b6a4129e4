import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start-test-server.ts'
import { adminSender, expectProblem, type AdminAnswer, type SendAdmin } from './testing/admin-request.ts'
import { administrator } from './testing/administrators.ts'

let server: TestServer
let local: SendAdmin
let remote: SendAdmin

beforeAll(async () => {
  server = await startTestServer()
  local = adminSender(server.adminSocket)
  remote = (await administrator(server, 'clients.write', 'resource-servers.write')).send
  await server.registerApi('orders', ['read', 'write'])
})

afterAll(async () => {
  await server.dispose()
})

describe('an update that names the revision it has seen', () => {
  it('is made while that is the revision, and makes it one more', async () => {
    const at = `/clients/${await newClient()}`
    expect((await local('PATCH', at, { body: { name: 'b', revision: 1 } })).body).toMatchObject({ revision: 2 })
    expect((await local('POST', `${at}/disable`, { body: { revision: 2 } })).body).toMatchObject({ revision: 3 })
    expect((await local('POST', `${at}/enable`, { body: { revision: 3 } })).body).toMatchObject({ revision: 4 })
    expectProblem(await local('DELETE', `${at}?revision=3`), 409, 'revision.stale')
    expect((await local('DELETE', `${at}?revision=4`)).status).toBe(200)
  })

  it('is refused after another change, with the revision that there is now', async () => {
    const at = `/clients/${await newClient()}`
    await local('PATCH', at, { body: { name: 'b' } })
    const answer = await local('PATCH', at, { body: { name: 'c', revision: 1 } })
    expectProblem(answer, 409, 'revision.stale')
    expect(answer.body).toMatchObject({ field: 'revision', revision: 2 })
    expect((await local('GET', at)).body).toMatchObject({ name: 'b', revision: 2 })
  })

  it('is made whatever the revision when it names none', async () => {
    const at = `/clients/${await newClient()}`
    for (const name of ['b', 'c', 'd']) expect((await local('PATCH', at, { body: { name } })).status).toBe(200)
    expect((await local('GET', at)).body).toMatchObject({ name: 'd', revision: 4 })
  })

  it('holds for resource servers as well', async () => {
    const at = '/resource-servers/orders'
    const { revision } = (await local('GET', at)).body as { revision: number }
    const changed = await local('PATCH', at, { body: { token_ttl_seconds: 60, revision } })
    expect(changed.body).toMatchObject({ revision: revision + 1 })
    expectProblem(await local('PATCH', at, { body: { token_ttl_seconds: 90, revision } }), 409, 'revision.stale')
    expectProblem(await local('DELETE', `${at}?force=true&revision=${revision}`), 409, 'revision.stale')
  })

  it('is 404 for what does not exist, not stale', async () => {
    expect.hasAssertions()
    expectProblem(await local('PATCH', '/clients/nobody', { body: { revision: 1 } }), 404, 'client.unknown')
  })
})

describe('of many callers who saw the same revision', () => {
  it('exactly one wins: on the socket and over the network at once', async () => {
    const at = `/clients/${await newClient()}`
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_each, i) => {
        return (i % 2 === 0 ? local : remote)('PATCH', at, { body: { name: `n${i}`, revision: 1 } })
      }),
    )
    expect(statuses(answers)).toEqual([200, ...Array<number>(19).fill(409)])
    const winner = answers.find(({ status }) => status === 200)
    expect((await local('GET', at)).body).toMatchObject({ name: winner?.body['name'], revision: 2 })
  })

  it('exactly one wins: an update, a disable, an enable and a delete', async () => {
    const clientId = await newClient()
    const at = `/clients/${clientId}`
    const body = { revision: 1 }
    const answers = await Promise.all([
      local('PATCH', at, { body: { ...body, name: 'x' } }),
      remote('POST', `${at}/disable`, { body }),
      remote('PATCH', at, { body: { ...body, add_scopes: ['orders/write'] } }),
      local('DELETE', `${at}?revision=1`),
    ])
    const won = answers.filter(({ status }) => status === 200)
    expect(won).toHaveLength(1)
    // Those who came after a delete find nothing.
    for (const { status } of answers) expect([200, 404, 409]).toContain(status)
    const rows = await server.services.audit.list({ limit: 100, event: 'client' })
    expect(rows.items.filter(({ subject, event }) => subject === clientId && event !== 'client.created')).toHaveLength(
      1,
    )
  })
})

async function newClient(): Promise<string> {
  return (await server.registerClient(['orders/read'])).clientId
}

function statuses(answers: readonly AdminAnswer[]): number[] {
  return answers.map(({ status }) => status).toSorted((a, b) => a - b)
}
