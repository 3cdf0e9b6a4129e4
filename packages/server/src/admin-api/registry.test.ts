import type { Problem } from '@latchkey/admin-contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ClientId } from '../clients/client.ts'
import { startTestServer, type TestServer } from '../testing/start-test-server.ts'
import { adminSender, expectProblem, type AdminAnswer, type SendAdmin } from './testing/admin-request.ts'

let server: TestServer
let send: SendAdmin

beforeAll(async () => {
  server = await startTestServer()
  send = adminSender(server.adminSocket)
})

afterAll(async () => {
  await server.dispose()
})

describe('resource servers', () => {
  it('creates, shows, lists, changes and removes', async () => {
    const created = await send('POST', '/resource-servers', {
      body: { name: 'billing', audience: 'urn:billing', scopes: [{ name: 'read', description: 'Read bills' }] },
    })
    expect(created.status).toBe(201)
    expect(created.body).toMatchObject({ name: 'billing', exclusive: false, revision: 1 })
    expect(created.body['created_at']).toBe(Math.floor(server.clock.now() / 1000))
    expect((await send('GET', '/resource-servers/billing')).body).toEqual(created.body)
    const changed = await send('PATCH', '/resource-servers/billing', {
      body: { set_scopes: [{ name: 'write', description: '' }], token_ttl_seconds: 600 },
    })
    expect(changed.body).toMatchObject({
      scopes: [{ name: 'read' }, { name: 'write' }],
      token_ttl_seconds: 600,
      revision: 2,
    })
    const freed = await send('PATCH', '/resource-servers/billing', { body: { token_ttl_seconds: null } })
    expect(freed.body).not.toHaveProperty('token_ttl_seconds')
    expect((await send('DELETE', '/resource-servers/billing')).body).toEqual({})
    expect((await send('GET', '/resource-servers/billing')).body['reason']).toBe('resource_server.unknown')
  })

  it('pages the list by name', async () => {
    for (const name of ['p1', 'p2', 'p3']) await createApi(name)
    const first = await send('GET', '/resource-servers?limit=2')
    expect(names(first)).toEqual(['latchkey', 'p1'])
    const second = await send('GET', `/resource-servers?limit=2&cursor=${String(first.body['next_cursor'])}`)
    expect(names(second)).toEqual(['p2', 'p3'])
    expect(second.body).not.toHaveProperty('next_cursor')
    for (const name of ['p1', 'p2', 'p3']) await send('DELETE', `/resource-servers/${name}`)
  })

  it('makes credentials for one client_id, which `clients` leaves alone', async () => {
    await createApi('cred')
    const first = await send('POST', '/resource-servers/cred/credentials')
    const second = await send('POST', '/resource-servers/cred/credentials', { body: {} })
    expect(second.body['client_id']).toBe(first.body['client_id'])
    expect(second.body['client_secret']).not.toBe(first.body['client_secret'])
    const clientId = String(first.body['client_id'])
    expect((await send('GET', `/clients/${clientId}/secrets`)).body['items']).toHaveLength(2)
    await refused('GET', `/clients/${clientId}`, undefined, 422, 'client.is_resource_server', 'client_id')
    await refused('POST', `/clients/${clientId}/disable`, undefined, 422, 'client.is_resource_server', 'client_id')
  })

  it('refuses', async () => {
    await createApi('one')
    await createApi('two')
    const { clientId } = await createClient(['one/read'])
    const fresh = { name: 'three', audience: 'urn:three', scopes: [{ name: 'read', description: '' }] }
    await refused('POST', '/resource-servers', { ...fresh, name: 'one' }, 409, 'resource_server.name_taken', 'name')
    await refused(
      'POST',
      '/resource-servers',
      { ...fresh, audience: 'urn:one' },
      409,
      'resource_server.audience_taken',
      'audience',
    )
    await refused('POST', '/resource-servers', { ...fresh, name: 'latchkey' }, 409, 'resource_server.reserved', 'name')
    await refused(
      'PATCH',
      '/resource-servers/two',
      { audience: 'urn:one' },
      409,
      'resource_server.audience_taken',
      'audience',
    )
    await refused('PATCH', '/resource-servers/one', { remove_scopes: ['read'] }, 409, 'scope.in_use', 'remove_scopes')
    await refused('PATCH', '/resource-servers/one', { remove_scopes: ['nope'] }, 422, 'scope.unknown', 'remove_scopes')
    await refused('PATCH', '/resource-servers/none', {}, 404, 'resource_server.unknown', 'name')
    await refused('DELETE', '/resource-servers/one', undefined, 409, 'resource_server.in_use', 'name')
    await refused('DELETE', '/resource-servers/one?force=false', undefined, 409, 'resource_server.in_use', 'name')
    await refused('POST', '/resource-servers/none/credentials', undefined, 404, 'resource_server.unknown', 'name')
    expect((await send('DELETE', '/resource-servers/one?force=true')).status).toBe(200)
    expect((await send('GET', `/clients/${clientId}`)).body['scopes']).toEqual([])
  })
})

describe('a cursor that no list gave', () => {
  it.each(['/clients?cursor=zzz', '/clients?cursor=W10', '/audit/events?cursor=zzz'])(
    '%s → 400, naming it',
    async (path) => {
      const answer = await send('GET', path)
      expect(answer.status).toBe(400)
      expect(answer.body).toMatchObject({ reason: 'request.invalid', errors: [{ in: 'query', field: 'cursor' }] })
    },
  )
})

describe('clients and secrets', () => {
  it('shows a secret once, and never a digest', async () => {
    await createApi('shop')
    const created = await send('POST', '/clients', {
      body: {
        name: 'Bäcker 🥐',
        scopes: ['shop/read'],
        secret_expires_in: 3600,
        token_ttl_seconds: 60,
        show_secret: true,
      },
    })
    expect(created.status).toBe(201)
    expect(created.body['client_secret']).toMatch(/^lk_test_/)
    const clientId = String(created.body['client_id'])
    const shown = await send('GET', `/clients/${clientId}`)
    expect(shown.body).toMatchObject({ name: 'Bäcker 🥐', secrets: [{ state: 'active', name: 'first' }] })
    expect(shown.text).not.toMatch(/digest|reference|lk_test_/)
    expect(JSON.stringify((await send('GET', '/clients')).body)).toContain(clientId)
  })

  it('adds, replaces and revokes secrets', async () => {
    await createApi('rotating')
    const { clientId } = await createClient(['rotating/read'])
    // Secrets are listed by age; those of one moment in no promised order.
    server.clock.advance(1)
    const added = await send('POST', `/clients/${clientId}/secrets`)
    expect(added.status).toBe(201)
    expect(added.body).not.toHaveProperty('expires_at')
    const id = String(added.body['id'])
    const next = await send('POST', `/clients/${clientId}/secrets`, {
      body: { name: 'next', expires_in: 60, replaces: id },
    })
    expect(next.body['expires_at']).toBe(Math.floor(server.clock.now() / 1000) + 60)
    const revoked = await send('POST', `/secrets/${id}/revoke`, { body: { compromised: true } })
    expect(revoked.body['revoked']).toEqual([id, next.body['id']])
    server.clock.advance(60_000)
    const states = (await send('GET', `/clients/${clientId}/secrets`)).body['items'] as { state: string }[]
    expect(states.map((secret) => secret.state)).toEqual(['active', 'revoked', 'revoked'])
  })

  it('changes, disables, enables and removes a client', async () => {
    await createApi('life')
    const { clientId } = await createClient(['life/read'])
    const at = `/clients/${clientId}`
    expect((await send('PATCH', at, { body: { name: 'new name', remove_scopes: ['life/read'] } })).body).toMatchObject({
      name: 'new name',
      scopes: [],
    })
    expect((await send('POST', `${at}/disable`)).body['state']).toBe('disabled')
    expect((await send('POST', `${at}/enable`, { body: {} })).body['state']).toBe('enabled')
    expect((await send('DELETE', at)).body).toEqual({})
    await refused('GET', at, undefined, 404, 'client.unknown', 'client_id')
  })

  it('lists clients by state and by scope, alone and together', async () => {
    await createApi('sieve')
    await createApi('sieve2')
    const both = await createClient(['sieve/read', 'sieve2/read'])
    const off = await createClient(['sieve/read'])
    await createClient(['sieve2/read'])
    await send('POST', `/clients/${off.clientId}/disable`)
    const list = async (query: string) => {
      const answer = await send('GET', `/clients?limit=1000&${query}`)
      return (answer.body['items'] as { client_id: string }[]).map((item) => item.client_id)
    }
    expect((await list('scope=sieve/read')).toSorted()).toEqual([both.clientId, off.clientId].toSorted())
    expect(await list('scope=sieve/read&state=enabled')).toEqual([both.clientId])
    expect(await list('scope=sieve/read&state=disabled')).toEqual([off.clientId])
    expect(await list('state=disabled')).toContain(off.clientId)
    expect(await list('state=disabled')).not.toContain(both.clientId)
    for (const none of ['scope=sieve/rea', 'scope=sieve/readx', 'scope=siev/read']) {
      expect(await list(none)).toEqual([])
    }
    for (const bad of ['state=gone', 'scope=sieve', 'scope=SIEVE/read', 'scope=%25/%25', 'state=Enabled']) {
      expectProblem(await send('GET', `/clients?${bad}`), 400, 'request.invalid')
    }
  })

  it('refuses', async () => {
    expect.hasAssertions()
    await createApi('ref')
    const { clientId } = await createClient(['ref/read'])
    const { clientId: otherId } = await createClient(['ref/read'])
    const other = await send('POST', `/clients/${otherId}/secrets`)
    const at = `/clients/${clientId}`
    await refused('POST', '/clients', { name: 'x', scopes: ['ref/none'] }, 422, 'scope.unknown', 'scopes')
    await refused('PATCH', at, { add_scopes: ['none/none'] }, 422, 'scope.unknown', 'scopes')
    await refused('PATCH', at, { remove_scopes: ['ref/other'] }, 422, 'scope.unknown', 'remove_scopes')
    await refused('PATCH', '/clients/nobody', {}, 404, 'client.unknown', 'client_id')
    await refused('DELETE', '/clients/nobody', undefined, 404, 'client.unknown', 'client_id')
    await refused('POST', '/clients/nobody/disable', undefined, 404, 'client.unknown', 'client_id')
    await refused('POST', '/clients/nobody/secrets', undefined, 404, 'client.unknown', 'client_id')
    await refused('GET', '/clients/nobody/secrets', undefined, 404, 'client.unknown', 'client_id')
    await refused('POST', '/secrets/nosuchsecret/revoke', undefined, 404, 'credential.unknown', 'id')
    await refused('POST', `${at}/secrets`, { replaces: other.body['id'] }, 404, 'credential.unknown', 'replaces')
    const record = await server.services.clients.find(clientId as ClientId)
    const local = record?.credentials.find((credential) => credential.kind === 'local')
    await refused('POST', `/secrets/${local?.id}/revoke`, undefined, 422, 'credential.not_a_secret', 'id')
  })

  it('writes each change to the audit log under its request id and actor', async () => {
    await createApi('audited')
    const { answer } = await createClient(['audited/read'])
    const entries = await send('GET', `/audit/events?request_id=${String(answer.headers['x-request-id'])}`)
    expect(entries.body['items']).toMatchObject([{ event: 'client.created', actor: 'local-socket' }])
  })
})

async function createApi(name: string): Promise<void> {
  const body = { name, audience: `urn:${name}`, scopes: [{ name: 'read', description: '' }] }
  expect((await send('POST', '/resource-servers', { body })).status).toBe(201)
}

async function createClient(scopes: string[]): Promise<{ clientId: string; answer: AdminAnswer }> {
  const answer = await send('POST', '/clients', { body: { name: 'c', scopes, show_secret: true } })
  expect(answer.status).toBe(201)
  return { clientId: String(answer.body['client_id']), answer }
}

function names(answer: AdminAnswer): string[] {
  return (answer.body['items'] as { name: string }[]).map((item) => item.name)
}

async function refused(
  method: string,
  url: string,
  body: unknown,
  status: number,
  reason: Problem['reason'],
  field: string,
): Promise<void> {
  const answer = await send(method, url, body === undefined ? {} : { body })
  expectProblem(answer, status, reason)
  expect(answer.body['field']).toBe(field)
}
