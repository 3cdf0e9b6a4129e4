import { Agent, request } from 'node:https'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adminSender, type SendAdmin } from '../admin-api/testing/admin-request.ts'
import { startBehindProxy, type ProxiedServer } from '../network-policy/network.test.support.ts'
import type { TestIdentity } from '../testing/certificates.ts'
import { createClientOver, issueTo, serverRoot, startMtlsServer } from '../testing/mtls-server.ts'
import { send, type TestServer } from '../testing/start-test-server.ts'

let behind: ProxiedServer

const office = { cidr: '198.51.100.0/24', note: 'Where Ada sits' }
const inside = '198.51.100.7'
const outside = '203.0.113.9'
const whoami = '/oauth2/whoami'

beforeAll(async () => {
  behind = await startBehindProxy()
  await behind.server.registerApi('orders', ['read', 'write'])
  await behind.server.registerApi('stock', ['read'])
})

afterAll(() => behind.server.dispose())

describe('whoami', () => {
  it('tells a caller what it is granted and with what it came, and that it may call from anywhere', async () => {
    const partner = await behind.register(['orders/read', 'stock/read'])
    await behind.admin('PATCH', `/clients/${partner.clientId}`, { scope_ends: { 'stock/read': 4_000_000_000 } })
    const answer = await behind.get(whoami, partner, outside)
    expect(answer.status).toBe(200)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.json()).toEqual({
      client_id: partner.clientId,
      kind: 'client',
      scopes: [{ scope: 'orders/read' }, { scope: 'stock/read', ends_at: 4_000_000_000 }],
      credentials: [{ kind: 'secret', id: expect.any(String) }],
      address: {
        seen: outside,
        token_endpoint: 'not_covered',
        apis: [
          { name: 'orders', verdict: 'not_covered' },
          { name: 'stock', verdict: 'not_covered' },
        ],
      },
      network_policy: null,
      recent_refusals: [],
    })
  })

  it('answers from a forbidden address too: what is allowed, what was seen, what was refused and why', async () => {
    const covers = { token_endpoint: true, apis: [{ name: 'orders' }] }
    const partner = await behind.register(['orders/read', 'stock/read'], { allow: [office], covers })
    const refused = await behind.token(partner, outside)
    expect(refused.status).toBe(400)
    await expect
      .poll(async () => (await behind.get(whoami, partner, outside)).json()['recent_refusals'], { timeout: 5000 })
      .toEqual([
        {
          at: Math.floor(behind.server.clock.now() / 1000),
          request_id: refused.headers['x-request-id'],
          reason: 'network.address_not_allowed',
          address: outside,
        },
      ])
    const answer = await behind.get(whoami, partner, outside)
    expect(answer.json()).toMatchObject({
      address: {
        seen: outside,
        token_endpoint: 'not_allowed',
        apis: [
          { name: 'orders', verdict: 'not_allowed' },
          { name: 'stock', verdict: 'not_covered' },
        ],
      },
      network_policy: { mode: 'enforce', allow: [{ cidr: '198.51.100.0/24' }], covers },
    })
    // The team's notes are the team's.
    expect(answer.text).not.toContain('Ada')
    expect((await behind.get(whoami, partner, inside)).json()).toMatchObject({
      address: { seen: inside, token_endpoint: 'allowed' },
    })
  })

  it('shows what a policy that reports would have refused, which counts as no refusal', async () => {
    const partner = await behind.register(['orders/read'], { mode: 'report', allow: [office] })
    expect((await behind.token(partner, outside)).status).toBe(200)
    await expect
      .poll(async () => (await behind.get(whoami, partner, outside)).json()['recent_refusals'], { timeout: 5000 })
      .toMatchObject([{ reason: 'network.would_refuse', address: outside }])
    expect((await behind.get(whoami, partner, outside)).json()).toMatchObject({
      address: { token_endpoint: 'would_refuse' },
    })
  })

  it('knows the credential of a resource server', async () => {
    const made = await behind.admin('POST', '/resource-servers/orders/credentials')
    const credential = { clientId: String(made.body['client_id']), clientSecret: String(made.body['client_secret']) }
    expect((await behind.get(whoami, credential, outside)).json()).toMatchObject({
      kind: 'resource-server',
      resource_server: 'orders',
      scopes: [],
    })
  })

  it('tells a stranger nothing, and takes no secret in a URL', async () => {
    const partner = await behind.register(['orders/read'], { allow: [office] })
    const url = behind.server.publicUrl + whoami
    const wrong = await behind.get(whoami, { ...partner, clientSecret: `${partner.clientSecret}x` }, inside)
    const unknown = await behind.get(whoami, { ...partner, clientId: 'nobody' }, inside)
    expect(wrong.status).toBe(401)
    expect(wrong.headers['www-authenticate']).toMatch(/^Basic/)
    expect(wrong.text).toBe(unknown.text)
    expect((await send(url)).status).toBe(401)
    expect((await send(`${url}?client_id=${partner.clientId}`)).status).toBe(401)
    const inUrl = await send(`${url}?client_id=${partner.clientId}&client_secret=${partner.clientSecret}`)
    expect(inUrl.status).toBe(400)
    expect(inUrl.json()).toMatchObject({ error: 'invalid_request' })
    const posted = await send(url, { method: 'POST' })
    expect({ status: posted.status, allow: posted.headers['allow'] }).toEqual({ status: 405, allow: 'GET' })
    await behind.admin('POST', `/clients/${partner.clientId}/disable`)
    expect((await behind.get(whoami, partner, inside)).text).toBe(unknown.text)
  })
})

describe('over the listener that asks for certificates', () => {
  let server: TestServer
  let admin: SendAdmin

  beforeAll(async () => {
    server = await startMtlsServer()
    admin = adminSender(server.adminSocket)
    await server.registerApi('configurations', ['read'])
  })

  afterAll(() => server.dispose())

  it('a certificate and client_id do, as at the token endpoint', async () => {
    const { clientId } = await createClientOver(admin, 'mtls')
    const identity = await issueTo(admin, clientId)
    const answer = await getMtls(server, `${whoami}?client_id=${clientId}`, identity)
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({
      client_id: clientId,
      credentials: [{ kind: 'certificate', id: expect.any(String), ends_at: expect.any(Number) }],
      address: { seen: '127.0.0.1' },
    })
    const other = await createClientOver(admin, 'mtls')
    expect((await getMtls(server, `${whoami}?client_id=${other.clientId}`, identity)).status).toBe(401)
    expect((await getMtls(server, `${whoami}?client_id=${clientId}`)).status).toBe(401)
    expect((await getMtls(server, whoami, identity)).status).toBe(401)
  })

  it('is named in the metadata, at both listeners', async () => {
    const { body } = { body: (await send(`${server.publicUrl}/.well-known/oauth-authorization-server`)).json() }
    const { origin } = new URL(server.mtlsTokenEndpoint ?? '')
    expect(body).toMatchObject({
      lk_whoami_endpoint: server.issuer + whoami,
      mtls_endpoint_aliases: { lk_whoami_endpoint: origin + whoami },
    })
  })
})

function getMtls(
  server: TestServer,
  path: string,
  identity?: TestIdentity,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const { origin } = new URL(server.mtlsTokenEndpoint ?? '')
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: false })
    const outgoing = request(origin + path, { ca: serverRoot(server), agent, ...identity })
    outgoing.on('error', reject)
    outgoing.on('response', (incoming) => {
      void incoming.toArray().then((chunks) => {
        resolve({ status: incoming.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks as Buffer[]).toString()) })
      }, reject)
    })
    outgoing.end()
  })
}
