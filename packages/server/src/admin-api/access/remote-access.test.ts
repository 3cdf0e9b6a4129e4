import { X509Certificate } from 'node:crypto'
import { adminRoutes, adminScopes, type AdminRoute, type Problem } from '@latchkey/admin-contract'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createClientOver, issueTo, postMtls, startMtlsServer } from '../../testing/mtls-server.ts'
import { send as sendHttp, startTestServer, type TestServer } from '../../testing/start-test-server.ts'
import { administrator, getToken } from '../testing/administrators.ts'
import { adminSender, expectProblem, remoteSender, type SendAdmin } from '../testing/admin-request.ts'

let server: TestServer
let local: SendAdmin
let anonymous: SendAdmin

beforeAll(async () => {
  server = await startTestServer()
  local = adminSender(server.adminSocket)
  anonymous = remoteSender(server.adminUrl)
  await server.registerApi('orders', ['read'])
})

afterAll(async () => {
  await server.dispose()
})

/** Every operation, with path parameters that name nothing: who may not call does not get as far as them. */
const operations = Object.entries<Readonly<Record<string, AdminRoute>>>(adminRoutes).flatMap(([noun, verbs]) =>
  Object.entries(verbs).map(([verb, route]) => {
    return [`${noun}.${verb}`, route.method, route.path.replaceAll(/\{\w+\}/g, 'nothing1'), route.scope] as const
  }),
)

/** Which no two of make one. */
function manyRanges(): { cidr: string }[] {
  return Array.from({ length: 40 }, (_, i) => ({ cidr: `198.51.100.${i * 2}/32` }))
}

describe('RFC 6750: who may call over the network', () => {
  it.each(operations)('%s without a token → 401, with a challenge', async (_name, method, url, scope) => {
    const answer = await anonymous(method, url)
    expectProblem(answer, 401, 'access.token_missing')
    const challenge = String(answer.headers['www-authenticate'])
    expect(challenge).toContain(`Bearer realm="latchkey", scope="latchkey/${scope}"`)
    expect(challenge).toContain(`resource_metadata="${server.adminUrl}/.well-known/oauth-protected-resource"`)
    // §3.1: nothing was tried, so there is no error to name.
    expect(challenge).not.toContain('error=')
  })

  it('with every scope but the one of the operation → 403 insufficient_scope, naming it', async () => {
    const holders = new Map<string, SendAdmin>()
    for (const [name, method, url, scope] of operations) {
      const others = Object.keys(adminScopes).filter((other) => other !== scope)
      const send = holders.get(scope) ?? (await administrator(server, ...others)).send
      holders.set(scope, send)
      const answer = await send(method, url)
      expect({ name, reason: answer.body['reason'] }).toEqual({ name, reason: 'access.scope_missing' })
      expectProblem(answer, 403, 'access.scope_missing')
      expect(answer.headers['www-authenticate']).toContain(`error="insufficient_scope", scope="latchkey/${scope}"`)
    }
  })

  it('with just the scope of the operation → past the gate', async () => {
    for (const [name, method, url, scope] of operations) {
      // The doctor and the audit log say different things each time, and take their time; that they answer is shown below.
      const { send } = await administrator(server, scope)
      const { status } = await send(method, url)
      expect({ name, isPast: status !== 401 && status !== 403 }).toEqual({ name, isPast: true })
    }
  })

  const bad: [string, (token: string) => Record<string, string | string[]>][] = [
    ['nonsense', () => ({ authorization: 'Bearer nonsense' })],
    ['another scheme', (token) => ({ authorization: `Basic ${token}` })],
    ['no token after the scheme', () => ({ authorization: 'Bearer ' })],
    ['a broken signature', (token) => ({ authorization: `Bearer ${flip(token)}` })],
    ['two headers', (token) => ({ authorization: [`Bearer ${token}`, `Bearer ${token}`] })],
    ['a token too long', () => ({ authorization: `Bearer ${'a'.repeat(15_000)}` })],
  ]
  it.each(bad)('%s → 401 invalid_token', async (_title, headersOf) => {
    const { token } = await administrator(server, 'clients.read')
    const answer = await anonymous('GET', '/clients', { headers: headersOf(token) })
    expectProblem(answer, 401, 'access.token_invalid')
    expect(answer.headers['www-authenticate']).toContain('error="invalid_token"')
  })

  it.each<[string, object, string, number]>([
    ['everything, from elsewhere', { allow: [{ cidr: '198.51.100.0/24' }] }, 'GET', 403],
    ['everything, from here', { allow: [{ cidr: '127.0.0.0/8' }] }, 'GET', 200],
    ['everything, reported', { allow: [{ cidr: '198.51.100.0/24' }], mode: 'report' }, 'GET', 200],
    ['another call', { allow: [{ cidr: '198.51.100.0/24' }], endpoints: ['POST /admin/v1/**'] }, 'GET', 200],
    ['this call', { allow: [{ cidr: '198.51.100.0/24' }], endpoints: ['POST /admin/v1/**'] }, 'POST', 403],
    ['more than a token carries', { allow: manyRanges() }, 'GET', 403],
  ])(
    'where a policy covers %s',
    async (_title, { endpoints, ...network }: { endpoints?: string[] }, method, status) => {
      const client = await server.registerClient(['latchkey/clients.read', 'latchkey/clients.write'])
      const covers = { token_endpoint: false, apis: [{ name: 'latchkey', ...(endpoints && { endpoints }) }] }
      const body = { network: { ...network, covers } }
      expect((await local('PATCH', `/clients/${client.clientId}`, { body })).status).toBe(200)
      const token = await getToken(server, client, 'latchkey/clients.read latchkey/clients.write')
      const answer = await remoteSender(server.adminUrl, token)(
        method,
        '/clients',
        method === 'GET' ? {} : { body: {} },
      )
      if (status === 403) {
        expectProblem(answer, 403, 'access.address_not_allowed')
        expect(answer.body['detail']).toMatch(/127\.0\.0\.1$/)
      } else expect(answer.status).toBe(status)
    },
  )

  it('a token that is bound to a certificate needs it here too, by a proxy that tells of it (RFC 8705 §3)', async () => {
    const proxies = [
      { networks: ['127.0.0.1/32'], addressHeader: 'x-real-ip', certificateHeader: 'x-ssl-client-der' } as const,
    ]
    const behind = await startMtlsServer({ proxies })
    onTestFinished(() => behind.dispose())
    const admin = adminSender(behind.adminSocket)
    const scope = 'latchkey/clients.read'
    const { clientId } = await createClientOver(admin, 'mtls', [scope])
    const [own, other] = [await issueTo(admin, clientId), await issueTo(admin, clientId)]
    const form = { grant_type: 'client_credentials', client_id: clientId, scope }
    const granted = await postMtls(behind, '/oauth2/token', form, { identity: own, localAddress: '127.0.0.9' })
    const send = remoteSender(behind.adminUrl, String(granted.json()['access_token']))
    const callWith = (cert?: string) => {
      const der = cert === undefined ? {} : { 'x-ssl-client-der': new X509Certificate(cert).raw.toString('base64') }
      return send('GET', '/clients', { headers: { 'x-real-ip': '127.0.0.9', ...der } })
    }
    expectProblem(await callWith(), 401, 'access.token_invalid')
    expectProblem(await callWith(other.cert), 401, 'access.token_invalid')
    expect((await callWith(own.cert)).status).toBe(200)
  })

  it('a token in the query → 401, and it is not read (RFC 6750 §2.3)', async () => {
    expect.hasAssertions()
    const { token } = await administrator(server, 'clients.read')
    expectProblem(await anonymous('GET', `/clients?access_token=${token}`), 401, 'access.token_missing')
  })

  it("a token for another API → 401, also when its scopes look like the admin API's", async () => {
    expect.hasAssertions()
    await server.registerApi('latchkeys', ['clients.read'])
    const client = await server.registerClient(['latchkeys/clients.read', 'orders/read'])
    const send = remoteSender(server.adminUrl, await getToken(server, client))
    expectProblem(await send('GET', '/clients'), 401, 'access.token_invalid')
  })

  it('admin scopes are in no default grant, and never in a token with others', async () => {
    const client = await server.registerClient(['latchkey/clients.read', 'orders/read'])
    const send = remoteSender(server.adminUrl, await getToken(server, client))
    expectProblem(await send('GET', '/clients'), 401, 'access.token_invalid')
    await expect(getToken(server, client, 'latchkey/clients.read orders/read')).rejects.toThrow('invalid_scope')
    const asked = remoteSender(server.adminUrl, await getToken(server, client, 'latchkey/clients.read'))
    expect((await asked('GET', '/clients')).status).toBe(200)
  })

  const ended: [string, (clientId: string, token: string) => Promise<unknown>][] = [
    ['the token is revoked', (_id, token) => local('POST', '/tokens/revoke', { body: { token } })],
    ['the client is disabled', (id) => local('POST', `/clients/${id}/disable`)],
    ['the client is gone', (id) => local('DELETE', `/clients/${id}`)],
    [
      'a scope is taken',
      (id) => local('PATCH', `/clients/${id}`, { body: { remove_scopes: ['latchkey/clients.read'] } }),
    ],
    ['its secret is revoked', revokeSecretsOf],
  ]
  it.each(ended)('once %s → 401 at the next request', async (_title, end) => {
    const admin = await administrator(server, 'clients.read', 'keys.read')
    expect((await admin.send('GET', '/clients')).status).toBe(200)
    await end(admin.clientId, admin.token)
    expectProblem(await admin.send('GET', '/clients'), 401, 'access.token_invalid')
  })

  it('a token lives 15 minutes, and not a second longer', async () => {
    const admin = await administrator(server, 'clients.read')
    server.clock.advance(899_000)
    expect((await admin.send('GET', '/clients')).status).toBe(200)
    server.clock.advance(1000)
    expectProblem(await admin.send('GET', '/clients'), 401, 'access.token_invalid')
  })

  it('the audit log names the client_id that did it', async () => {
    const admin = await administrator(server, 'clients.write')
    const created = await admin.send('POST', '/clients', { body: { name: 'made from afar', scopes: ['orders/read'] } })
    expect(created.status).toBe(201)
    const entries = await local('GET', `/audit/events?request_id=${String(created.headers['x-request-id'])}`)
    expect(entries.body['items']).toMatchObject([
      { event: 'link.created', actor: admin.clientId },
      { event: 'client.created', actor: admin.clientId },
    ])
  })
})

describe('Host and Origin on the admin listener', () => {
  const port = () => new URL(server.adminUrl).port

  it.each(['localhost', 'localhost:1234', '127.0.0.1:9', '127.1.2.3', '[::1]:99', 'LOCALHOST'])(
    'Host %s is a loopback name, as a tunnel shows it',
    async (host) => {
      expect((await anonymous('GET', '/openapi.json', { headers: { host } })).status).toBe(200)
    },
  )

  it.each([
    'rebound.example.com',
    'localhost.example.com',
    '127.0.0.1.example.com',
    '127.0.0.1@example.com',
    '10.0.0.1',
    '[::2]',
    'localhost:x',
    'localhost:80/',
    'localhost, localhost',
    '2130706433',
    '0x7f000001',
  ])('Host %s → 403 before anything else', async (host) => {
    expect.hasAssertions()
    const { token } = await administrator(server, 'clients.read')
    const headers = { host, authorization: `Bearer ${token}` }
    const answer = await anonymous('GET', '/clients', { headers })
    expectProblem(answer, 403, 'request.host_not_allowed')
    expectProblem(await anonymous('GET', '/nothing', { headers }), 403, 'request.host_not_allowed')
  })

  it('a request with two Hosts is refused', async () => {
    const headers = ['Host', 'rebound.example.com', 'Authorization', 'Bearer x']
    const answer = await sendHttp(`${server.adminUrl}/admin/v1/clients`, { headers })
    expect([400, 403]).toContain(answer.status)
  })

  it.each(['https://rebound.example.com', 'null', 'http://localhost', 'http://127.0.0.1:1'])(
    'Origin %s → 403, with no leave to read',
    async (origin) => {
      const answer = await anonymous('GET', '/openapi.json', { headers: { origin } })
      expectProblem(answer, 403, 'request.origin_not_allowed')
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([])
    },
  )

  it("takes the console's own pages, by default on localhost and this port", async () => {
    const origin = `http://localhost:${port()}`
    const answer = await anonymous('GET', '/openapi.json', { headers: { origin } })
    expect(answer.status).toBe(200)
    expect(answer.headers['access-control-allow-origin']).toBeUndefined()
  })

  it('takes the host and the origin of LATCHKEY_CONSOLE_URL, and then localhost pages no more', async () => {
    const other = await startTestServer({ consoleUrl: 'https://console.example.com/console', host: '127.0.0.2' })
    try {
      const to = remoteSender(other.adminUrl)
      const ask = (headers: Record<string, string>) => to('GET', '/openapi.json', { headers })
      expect((await ask({ host: 'console.example.com', origin: 'https://console.example.com' })).status).toBe(200)
      expectProblem(await ask({ host: 'console.example.com:1' }), 403, 'request.host_not_allowed')
      expectProblem(await ask({ origin: 'http://console.example.com' }), 403, 'request.origin_not_allowed')
      expectProblem(
        await ask({ origin: `http://localhost:${new URL(other.adminUrl).port}` }),
        403,
        'request.origin_not_allowed',
      )
      // The public listener's host is no name of this one, whatever it is set to.
      expectProblem(await ask({ host: `127.0.0.2.example.com` }), 403, 'request.host_not_allowed')
    } finally {
      await other.dispose()
    }
  })

  it('leaves health checks alone: a probe calls by address', async () => {
    for (const path of ['/healthz', '/readyz']) {
      const answer = await sendHttp(server.adminUrl + path, { headers: { Host: '10.1.2.3:8401' } })
      expect(answer.status).toBe(200)
    }
  })
})

describe('RFC 9728: metadata of the admin API', () => {
  const read = (headers: Record<string, string> = {}) =>
    sendHttp(`${server.adminUrl}/.well-known/oauth-protected-resource`, { headers })

  it('names the issuer, the scopes, and the address that was asked (§3.3)', async () => {
    expect((await read()).json()).toMatchObject({
      resource: server.adminUrl,
      authorization_servers: [server.issuer],
      bearer_methods_supported: ['header'],
    })
    expect((await read()).json()['scopes_supported']).toContain('latchkey/clients.write')
    expect((await read({ Host: 'localhost:9' })).json()['resource']).toBe('http://localhost:9')
  })

  it('is not told to a name that was pointed here', async () => {
    expect((await read({ Host: 'rebound.example.com' })).status).toBe(403)
  })

  it('is not on the local socket, which needs no token', async () => {
    expect((await local('GET', '/../../.well-known/oauth-protected-resource')).status).toBe(404)
  })
})

describe('the built-in resource server', () => {
  const refusal = { status: 409, reason: 'resource_server.reserved' as Problem['reason'] }

  it('is there from the first start, exclusive, under an audience that does not depend on a port', async () => {
    const shown = await local('GET', '/resource-servers/latchkey')
    expect(shown.body).toMatchObject({ audience: 'urn:latchkey:admin', exclusive: true, revision: 1 })
    const names = (shown.body['scopes'] as { name: string }[]).map(({ name }) => name)
    expect(names).toEqual(Object.keys(adminScopes).toSorted())
  })

  it('is not written again by the next start', async () => {
    const first = await startTestServer()
    const before = await adminSender(first.adminSocket)('GET', '/resource-servers/latchkey')
    const second = await first.restart()
    try {
      const send = adminSender(second.adminSocket)
      expect((await send('GET', '/resource-servers/latchkey')).body).toEqual(before.body)
      const events = await send('GET', '/audit/events?event=resource_server')
      expect(events.body['items']).toHaveLength(1)
    } finally {
      await second.dispose()
    }
  })

  const attempts: [string, string, string, object | undefined][] = [
    ['change its audience', 'PATCH', '/resource-servers/latchkey', { audience: 'urn:other' }],
    ['make it ordinary', 'PATCH', '/resource-servers/latchkey', { exclusive: false }],
    ['add a scope', 'PATCH', '/resource-servers/latchkey', { set_scopes: [{ name: 'all', description: '' }] }],
    [
      'describe a scope anew',
      'PATCH',
      '/resource-servers/latchkey',
      { set_scopes: [{ name: 'keys.read', description: 'x' }] },
    ],
    ['delete it', 'DELETE', '/resource-servers/latchkey?force=true', undefined],
    ['give it a credential', 'POST', '/resource-servers/latchkey/credentials', undefined],
    [
      'create it',
      'POST',
      '/resource-servers',
      { name: 'latchkey', audience: 'urn:l', scopes: [{ name: 'a', description: '' }] },
    ],
  ]
  it.each(attempts)('nobody can %s: not over the network, not on the socket', async (_title, method, url, body) => {
    const before = await local('GET', '/resource-servers/latchkey')
    const admin = await administrator(server, ...Object.keys(adminScopes))
    for (const send of [local, admin.send]) {
      expectProblem(await send(method, url, body === undefined ? {} : { body }), refusal.status, refusal.reason)
    }
    expect((await local('GET', '/resource-servers/latchkey')).body).toEqual(before.body)
  })

  it('lets nobody else have its audience', async () => {
    expect.hasAssertions()
    const body = { name: 'impostor', audience: 'urn:latchkey:admin', scopes: [{ name: 'read', description: '' }] }
    expectProblem(await local('POST', '/resource-servers', { body }), 409, 'resource_server.audience_taken')
  })
})

async function revokeSecretsOf(clientId: string): Promise<void> {
  const { items } = (await local('GET', `/clients/${clientId}/secrets`)).body as { items: { id: string }[] }
  for (const { id } of items) await local('POST', `/secrets/${id}/revoke`)
}

/** The same token with one bit of its signature changed. */
function flip(token: string): string {
  const at = token.length - 10
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
}
