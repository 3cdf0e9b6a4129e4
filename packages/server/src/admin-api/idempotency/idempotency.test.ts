import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../../testing/start-test-server.ts'
import { adminSender, expectProblem, remoteSender, type AdminAnswer, type SendAdmin } from '../testing/admin-request.ts'
import { administrator, getToken, type Administrator } from '../testing/administrators.ts'

let server: TestServer
let local: SendAdmin
let admin: Administrator

const dayMs = 86_400_000

beforeAll(async () => {
  server = await startTestServer()
  local = adminSender(server.adminSocket)
  admin = await administrator(server, 'clients.write', 'secrets.write', 'resource-servers.write')
  await server.registerApi('orders', ['read'])
})

afterAll(async () => {
  await server.dispose()
})

/** Each create, as often as one likes. */
async function creates(): Promise<[string, string, object | undefined][]> {
  const { clientId } = await server.registerClient(['orders/read'])
  const name = `api-${randomUUID().slice(0, 8)}`
  return [
    ['a client', '/clients', { name: 'once', scopes: ['orders/read'], show_secret: true }],
    ['a client with a link', '/clients', { name: 'once', scopes: ['orders/read'] }],
    ['a delivery link', `/clients/${clientId}/links`, { with_code: true }],
    [
      'a resource server',
      '/resource-servers',
      { name, audience: `urn:${name}`, scopes: [{ name: 'a', description: '' }] },
    ],
    ['a secret', `/clients/${clientId}/secrets`, { name: 'once' }],
    ['a secret, with no body', `/clients/${clientId}/secrets`, undefined],
    ['a credential', '/resource-servers/orders/credentials', undefined],
  ]
}

describe('the same create with the same key', () => {
  it('is answered alike, secret included, and is done once', async () => {
    for (const send of [local, admin.send]) {
      for (const [what, url, body] of await creates()) {
        const key = randomUUID()
        const first = await post(send, url, key, body)
        const before = await rows()
        const second = await post(send, url, key, body)
        expect({ what, status: second.status, body: second.body }).toEqual({ what, status: 201, body: first.body })
        expect(await rows()).toBe(before)
      }
    }
  })

  it('is done twice without a key, and with two keys', async () => {
    const body = { name: 'twice', scopes: ['orders/read'] }
    const ids = await Promise.all([
      local('POST', '/clients', { body }),
      local('POST', '/clients', { body }),
      post(local, '/clients', randomUUID(), body),
      post(local, '/clients', randomUUID(), body),
    ])
    expect(new Set(ids.map((answer) => answer.body['client_id'])).size).toBe(4)
  })

  it('is done once when both come at the same moment: the second waits, and gets the answer of the first', async () => {
    const key = randomUUID()
    const body = { name: 'race', scopes: ['orders/read'], show_secret: true }
    const before = await rows()
    const answers = await Promise.all(Array.from({ length: 10 }, () => post(local, '/clients', key, body)))
    for (const answer of answers) expect(answer.body).toEqual(answers[0]?.body)
    expect(answers[0]?.status).toBe(201)
    expect(await rows()).toBe(before + 1)
  })

  it('takes the key with the quotes of a structured field, and the members of the body in any order', async () => {
    const key = randomUUID()
    const first = await post(local, '/clients', key, { name: 'order', scopes: ['orders/read'] })
    const second = await post(local, '/clients', `"${key}"`, { scopes: ['orders/read'], name: 'order' })
    expect(second.body).toEqual(first.body)
  })

  it('is answered after a restart', async () => {
    const key = randomUUID()
    const body = { name: 'restart', scopes: ['orders/read'] }
    const first = await post(local, '/clients', key, body)
    server = await server.restart()
    local = adminSender(server.adminSocket)
    expect((await post(local, '/clients', key, body)).body).toEqual(first.body)
    admin = await administrator(server, 'clients.write', 'secrets.write', 'resource-servers.write')
  })

  it('is forgotten after 24 hours', async () => {
    const key = randomUUID()
    const body = { name: 'day', scopes: ['orders/read'] }
    const first = await post(local, '/clients', key, body)
    server.clock.advance(dayMs - 1)
    expect((await post(local, '/clients', key, body)).body).toEqual(first.body)
    server.clock.advance(1)
    const later = await post(local, '/clients', key, body)
    expect(later.status).toBe(201)
    expect(later.body['client_id']).not.toBe(first.body['client_id'])
    admin = await administrator(server, 'clients.write', 'secrets.write', 'resource-servers.write')
  })
})

describe('a key', () => {
  it.each([
    ['with another body', '/clients', { name: 'other', scopes: ['orders/read'] }],
    ['with one more member', '/clients', { name: 'x', scopes: ['orders/read'], token_ttl_seconds: 60 }],
    [
      'for another operation',
      '/resource-servers',
      { name: 'm', audience: 'urn:m', scopes: [{ name: 'a', description: '' }] },
    ],
    ['for another path', '/resource-servers/orders/credentials', undefined],
  ])('%s → 422 idempotency.mismatch, and nothing is done', async (_title, url, body) => {
    const key = randomUUID()
    await post(local, '/clients', key, { name: 'x', scopes: ['orders/read'] })
    const before = await rows()
    const answer = await post(local, url, key, body)
    expectProblem(answer, 422, 'idempotency.mismatch')
    expect(answer.body).toMatchObject({ errors: [{ in: 'header', field: 'Idempotency-Key' }] })
    expect(await rows()).toBe(before)
  })

  it("is its caller's own: another gets neither the answer nor a mismatch", async () => {
    const key = randomUUID()
    const body = { name: 'mine', scopes: ['orders/read'] }
    const other = await administrator(server, 'clients.write')
    const ids = [
      await post(local, '/clients', key, body),
      await post(admin.send, '/clients', key, body),
      await post(other.send, '/clients', key, body),
    ]
    expect(new Set(ids.map((answer) => answer.body['client_id'])).size).toBe(3)
  })

  it('is not spent by a refusal: what was refused can be sent again once it is possible', async () => {
    const key = randomUUID()
    const body = { name: 'late', scopes: ['later/read'] }
    expectProblem(await post(local, '/clients', key, body), 422, 'scope.unknown')
    await server.registerApi('later', ['read'])
    expect((await post(local, '/clients', key, body)).status).toBe(201)
  })

  it('gives no answer to a token that may not ask', async () => {
    expect.hasAssertions()
    const key = randomUUID()
    const body = { name: 'gone', scopes: ['orders/read'] }
    const caller = await administrator(server, 'clients.write', 'keys.read')
    await post(caller.send, '/clients', key, body)
    await local('PATCH', `/clients/${caller.clientId}`, { body: { remove_scopes: ['latchkey/clients.write'] } })
    expectProblem(await post(caller.send, '/clients', key, body), 401, 'access.token_invalid')
  })
})

describe('what is kept', () => {
  it('is not for a smaller token of the same caller: a client with more than it has could be in it', async () => {
    const caller = await administrator(server, 'clients.write', 'backup.read')
    const smaller = remoteSender(server.adminUrl, await getToken(server, caller, 'latchkey/clients.write'))
    const again = remoteSender(
      server.adminUrl,
      await getToken(server, caller, 'latchkey/clients.write latchkey/backup.read'),
    )
    const key = randomUUID()
    const body = { name: 'heir', scopes: ['latchkey/backup.read'] }
    const first = await post(caller.send, '/clients', key, body)
    expect(first.status).toBe(201)
    const before = await rows()
    expectProblem(await post(smaller, '/clients', key, body), 403, 'access.beyond_own')
    expect((await post(again, '/clients', key, body)).body).toEqual(first.body)
    expect(await rows()).toBe(before)
  })

  it('shows neither secret nor key, in no file of the database and no line of the log', async () => {
    const key = randomUUID()
    const { body } = await post(local, '/clients', key, { name: 'sealed', scopes: ['orders/read'] })
    const secret = String(body['client_secret'])
    const { database } = server.config
    if (database.kind !== 'sqlite') throw new Error('this test reads the files of an embedded database')
    for (const suffix of ['', '-wal']) {
      const file = readFileSync(path.resolve(database.path + suffix)).toString('latin1')
      expect(file).not.toContain(secret)
      expect(file).not.toContain(secret.split('_').at(-2))
      expect(file).not.toContain(key)
    }
    expect(server.logLines.join('\n')).not.toMatch(new RegExp(`${secret}|${key}`))
  })
})

function post(send: SendAdmin, url: string, key: string, body: object | undefined): Promise<AdminAnswer> {
  return send('POST', url, { headers: { 'idempotency-key': key }, ...(body === undefined ? {} : { body }) })
}

/** How many administrative changes there have been. */
async function rows(): Promise<number> {
  const { items } = await server.services.audit.list({ limit: 1000 })
  return items.filter(({ event }) => !event.startsWith('token.')).length
}
