import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../testing/start-test-server.ts'
import { adminSender, expectProblem, type AdminAnswer, type SendAdmin } from '../testing/admin-request.ts'
import { administrator, type Administrator } from '../testing/administrators.ts'

/* Over the network, by tokens with scopes of the admin API. */

let server: TestServer
let local: SendAdmin
let reader: Administrator
let writer: Administrator
/** Holds what the writer does not. */
let chief: { clientId: string }

beforeAll(async () => {
  server = await startTestServer()
  local = adminSender(server.adminSocket)
  await server.registerApi('orders', ['read', 'write'])
  reader = await administrator(server, 'declaration.read')
  writer = await administrator(server, 'declaration.read', 'declaration.write')
  chief = await server.registerClient(['latchkey/backup.read', 'orders/read'], { tokenTtlSeconds: 600 })
})

afterAll(async () => {
  await server.dispose()
})

const aide = { client_id: 'aide', name: 'Aide', scopes: ['orders/read'] }

describe('scopes', () => {
  it('plans and exports with declaration.read, applies with declaration.write, and with neither does nothing', async () => {
    const stranger = await administrator(server, 'clients.write')
    expectProblem(await stranger.send('GET', '/declaration'), 403, 'access.scope_missing')
    expectProblem(await send(stranger, 'plan', [aide]), 403, 'access.scope_missing')
    expect((await reader.send('GET', '/declaration')).status).toBe(200)
    expect((await send(reader, 'plan', [aide])).body['problems']).toEqual([])
    expectProblem(await send(reader, 'apply', [aide]), 403, 'access.scope_missing')
    expect((await local('GET', '/clients/aide')).status).toBe(404)
    expect((await send(writer, 'apply', [aide])).status).toBe(200)
    const { body } = await local('GET', '/audit/events?event=declaration.applied')
    expect(body['items']).toMatchObject([{ actor: writer.clientId }])
  })
})

describe('nobody hands on an admin scope beyond his own', () => {
  const chiefAs = (change: object) => [
    {
      client_id: chief.clientId,
      name: 'Test client',
      scopes: ['latchkey/backup.read', 'orders/read'],
      token_ttl_seconds: 600,
      ...change,
    },
  ]
  const attempts: [what: string, clients: () => object[]][] = [
    ['a new client that gets one', () => [{ ...aide, client_id: 'new', scopes: ['latchkey/backup.read'] }]],
    ['a client that gets one beside what it has', () => [{ ...aide, scopes: ['orders/read', 'latchkey/backup.read'] }]],
    [
      'himself',
      () => [{ client_id: writer.clientId, name: 'x', scopes: ['latchkey/declaration.write', 'latchkey/backup.read'] }],
    ],
    [
      'more of something else for one who holds it',
      () => chiefAs({ scopes: ['latchkey/backup.read', 'orders/read', 'orders/write'] }),
    ],
    ['longer tokens for one who holds it', () => chiefAs({ token_ttl_seconds: 601 })],
  ]
  it.each(attempts)('%s → refused by plan and apply, and nothing is changed', async (_what, clients) => {
    const before = (await local('GET', '/declaration')).body
    const planned = await send(writer, 'plan', clients())
    expect(planned.body['problems']).toMatchObject([{ field: 'clients.0.scopes' }])
    expectProblem(await send(writer, 'apply', clients()), 422, 'declaration.impossible')
    expect((await local('GET', '/declaration')).body).toEqual(before)
  })

  it('what he holds he may, and the socket may all', async () => {
    const [own] = [{ ...aide, scopes: ['latchkey/declaration.read', 'orders/read'] }]
    expect((await send(writer, 'apply', [own])).status).toBe(200)
    const all = { ...aide, scopes: ['latchkey/backup.read'] }
    const body = { document: { latchkey: 1, clients: [all] } }
    expect((await local('POST', '/declaration/apply', { body })).status).toBe(200)
  })

  it('anybody may be made smaller, and enabling again is refused', async () => {
    const disabled = chiefAs({ state: 'disabled' })
    expect((await send(writer, 'apply', disabled)).status).toBe(200)
    expectProblem(await send(writer, 'apply', chiefAs({ state: 'enabled' })), 422, 'declaration.impossible')
    expect((await local('GET', `/clients/${chief.clientId}`)).body['state']).toBe('disabled')
  })
})

describe('what is Latchkey’s own', () => {
  it('is in no export, cannot be declared, and survives a prune with those who administrate', async () => {
    const exported = (await local('GET', '/declaration')).body
    expect((exported['resource_servers'] as { name: string }[]).map(({ name }) => name)).toEqual(['orders'])
    const own = { name: 'latchkey', audience: 'urn:mine', scopes: [{ name: 'all' }] }
    const declared = { document: { latchkey: 1, resource_servers: [own] } }
    expectProblem(await local('POST', '/declaration/apply', { body: declared }), 422, 'declaration.impossible')
    await server.registerClient(['orders/read'])
    const nothing = { document: { latchkey: 1, clients: [] }, prune: true }
    const pruned = await local('POST', '/declaration/apply', { body: nothing })
    expect(pruned.body['steps']).toMatchObject([{ action: 'delete', kind: 'client' }])
    const left = (await local('GET', '/clients')).body['items'] as { client_id: string; scopes: string[] }[]
    expect(left.map(({ client_id }) => client_id)).toContain(writer.clientId)
    expect(left.filter(({ scopes }) => !scopes.some((scope) => scope.startsWith('latchkey/')))).toEqual([])
    expect((await local('GET', '/resource-servers/latchkey')).status).toBe(200)
  })

  it('names of the audit log are no client_ids', async () => {
    for (const client_id of ['local-socket', 'latchkey', 'console']) {
      const answer = await send(writer, 'apply', [{ ...aide, client_id }])
      expectProblem(answer, 422, 'declaration.impossible')
      expect(answer.body['field']).toBe('document.clients.0.client_id')
    }
  })
})

function send(who: Administrator, verb: 'plan' | 'apply', clients: object[]): Promise<AdminAnswer> {
  return who.send('POST', `/declaration/${verb}`, { body: { document: { latchkey: 1, clients } } })
}
