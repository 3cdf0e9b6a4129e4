import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../testing/start-test-server.ts'
import { administrator, type Administrator } from '../testing/administrators.ts'
import { adminSender, expectProblem, type AdminAnswer, type SendAdmin } from '../testing/admin-request.ts'

/*
 * Whoever may manage clients is still not everything: over the network nobody hands on, or gets at, an admin scope that its own token does
 * not have. Each path to one is tried by a caller with every right but those, and once by one who has them.
 */

let server: TestServer
let local: SendAdmin
/** May manage clients, secrets and tokens. */
let deputy: Administrator
/** Holds what the deputy does not. */
let chief: { clientId: string; clientSecret: string }

const deputyScopes = ['clients.read', 'clients.write', 'secrets.write', 'tokens.write', 'resource-servers.write']

beforeAll(async () => {
  server = await startTestServer()
  local = adminSender(server.adminSocket)
  await server.registerApi('orders', ['read', 'write'])
  deputy = await administrator(server, ...deputyScopes)
  chief = await server.registerClient(['latchkey/backup.read', 'latchkey/clients.read', 'orders/read'])
})

afterAll(async () => {
  await server.dispose()
})

describe('over the network, beyond its own scopes, a caller may not', () => {
  const body = { name: 'x', scopes: ['orders/read', 'latchkey/backup.read'] }
  const attempts: [string, () => Promise<AdminAnswer>][] = [
    ['create a client with them', () => deputy.send('POST', '/clients', { body })],
    [
      'grant them to a client',
      async () => deputy.send('PATCH', `/clients/${await ordinary()}`, { body: grant('backup.read') }),
    ],
    ['grant them to itself', () => deputy.send('PATCH', `/clients/${deputy.clientId}`, { body: grant('backup.read') })],
    ['add a secret to one who holds them', () => deputy.send('POST', `/clients/${chief.clientId}/secrets`)],
    ['issue a token for one who holds them', () => getToken({ client_id: chief.clientId })],
    ['issue a token for one, of another API', () => getToken({ client_id: chief.clientId, scope: 'orders/read' })],
    [
      'widen one who holds them',
      () => deputy.send('PATCH', `/clients/${chief.clientId}`, { body: { add_scopes: ['orders/write'] } }),
    ],
    [
      'lengthen the tokens of one',
      () => deputy.send('PATCH', `/clients/${chief.clientId}`, { body: { token_ttl_seconds: null } }),
    ],
    ['enable one', () => deputy.send('POST', `/clients/${chief.clientId}/enable`)],
  ]
  it.each(attempts)('%s → 403, and nothing is changed', async (title, attempt) => {
    if (title === 'enable one') await local('POST', `/clients/${chief.clientId}/disable`)
    if (title.startsWith('lengthen')) {
      await local('PATCH', `/clients/${chief.clientId}`, { body: { token_ttl_seconds: 60 } })
    }
    await ordinary()
    const before = await state()
    const answer = await attempt()
    expectProblem(answer, 403, 'access.beyond_own')
    expect(answer.text).not.toMatch(/client_secret|access_token/)
    expect(await state()).toEqual(before)
    await local('POST', `/clients/${chief.clientId}/enable`)
  })

  it('come by them through a token with fewer scopes than its client holds', async () => {
    expect.hasAssertions()
    const narrow = await administrator(server, 'clients.write')
    await local('PATCH', `/clients/${narrow.clientId}`, { body: grant('keys.write') })
    // The client holds it now; this token does not.
    const answer = await narrow.send('PATCH', `/clients/${await ordinary()}`, { body: grant('keys.write') })
    expectProblem(answer, 403, 'access.beyond_own')
  })
})

describe('a caller may', () => {
  it('hand on what its token has', async () => {
    const created = await deputy.send('POST', '/clients', { body: { name: 'aide', scopes: ['latchkey/clients.read'] } })
    expect(created.status).toBe(201)
    const id = String(created.body['client_id'])
    expect((await deputy.send('PATCH', `/clients/${id}`, { body: grant('secrets.write') })).status).toBe(200)
    expect((await deputy.send('POST', `/clients/${id}/secrets`)).status).toBe(201)
    expect((await deputy.send('POST', `/clients/${id}/links`)).status).toBe(201)
    expect((await getToken({ client_id: id, scope: 'latchkey/clients.read' })).status).toBe(200)
  })

  it('make smaller whoever holds more: in an emergency that must not wait', async () => {
    const at = `/clients/${chief.clientId}`
    expect((await deputy.send('PATCH', at, { body: { remove_scopes: ['orders/read'] } })).status).toBe(200)
    const { body } = await deputy.send('GET', at)
    const [secret] = body['secrets'] as { id: string }[]
    expect((await deputy.send('POST', `/secrets/${secret?.id}/revoke`)).status).toBe(200)
    expect((await deputy.send('POST', `${at}/disable`)).status).toBe(200)
    expectProblem(await deputy.send('POST', `${at}/enable`), 403, 'access.beyond_own')
    expect((await deputy.send('DELETE', at)).status).toBe(200)
  })

  it('on the local socket, do all of it', async () => {
    const created = await local('POST', '/clients', { body: { name: 'root', scopes: ['latchkey/backup.read'] } })
    expect(created.status).toBe(201)
    const client_id = String(created.body['client_id'])
    expect((await local('POST', `/clients/${client_id}/secrets`)).status).toBe(201)
    const body = { client_id, scope: 'latchkey/backup.read' }
    expect((await local('POST', '/tokens/get', { body })).status).toBe(200)
  })
})

function grant(name: string): object {
  return { add_scopes: [`latchkey/${name}`] }
}

function getToken(body: object): Promise<AdminAnswer> {
  return deputy.send('POST', '/tokens/get', { body })
}

let ordinaryId: string | undefined

/** A client that anybody may manage. */
async function ordinary(): Promise<string> {
  ordinaryId ??= (await server.registerClient(['orders/read'])).clientId
  return ordinaryId
}

/** Everything that an attempt could have changed. */
async function state(): Promise<unknown> {
  const clients = await local('GET', '/clients')
  const secrets = await local('GET', `/clients/${chief.clientId}/secrets`)
  const events = await local('GET', '/audit/events?event=client')
  return [clients.body, secrets.body, (events.body['items'] as unknown[]).length]
}
