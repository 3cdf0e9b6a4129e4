import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectProblem } from '../admin-api/testing/admin-request.ts'
import {
  claimsOf,
  startBehindProxy,
  type ProxiedServer,
  type TestPartner,
} from '../network-policy/network.test.support.ts'

let behind: ProxiedServer
let orders: TestPartner
let stock: TestPartner

const address = '198.51.100.7'
const path = '/oauth2/resource-server'
const office = { cidr: '198.51.100.0/24' }

beforeAll(async () => {
  behind = await startBehindProxy()
  await behind.server.registerApi('orders', ['read', 'write'])
  await behind.server.registerApi('stock', ['read'])
  orders = await credentialOf('orders')
  stock = await credentialOf('stock')
})

afterAll(() => behind.server.dispose())

async function credentialOf(name: string): Promise<TestPartner> {
  const { body } = await behind.admin('POST', `/resource-servers/${name}/credentials`)
  return { clientId: String(body['client_id']), clientSecret: String(body['client_secret']) }
}

const setRules = (rules: unknown, more: object = {}) =>
  behind.admin('PATCH', '/resource-servers/orders', { endpoint_rules: rules, ...more })

describe('endpoint rules', () => {
  it('are given to their own API, in their order, and grow with every change', async () => {
    const document = async () => (await behind.get(path, orders, address)).json()
    const { version } = await document()
    const rules = [
      { endpoint: 'POST /orders/{id}/', scopes: ['orders/write', 'read', 'read'], allowed_ip: true, certificate: true },
      { endpoint: 'GET /status', scopes: [] },
    ]
    const changed = await setRules(rules)
    expect(changed.body['endpoint_rules']).toEqual([
      { endpoint: 'POST /orders/*', scopes: ['read', 'write'], allowed_ip: true, certificate: true },
      { endpoint: 'GET /status', scopes: [] },
    ])
    expect(await document()).toEqual({
      resource_server: 'orders',
      audience: 'https://orders.example.com',
      endpoint_rules: [
        { endpoint: 'POST /orders/*', scopes: ['orders/read', 'orders/write'], allowed_ip: true, certificate: true },
        { endpoint: 'GET /status', scopes: [] },
      ],
      version: Number(version) + 1,
    })
    await setRules(rules)
    await behind.admin('PATCH', '/resource-servers/orders', { token_ttl_seconds: 3600 })
    expect(await document()).toMatchObject({ version: Number(version) + 1 })
    await setRules([])
    expect(await document()).toMatchObject({ version: Number(version) + 2, endpoint_rules: [] })
    expect((await behind.get(path, stock, address)).json()).toMatchObject({ resource_server: 'stock', version: 0 })
  })

  it('come with an ETag, and are not sent again while they are the same', async () => {
    const first = await behind.get(path, orders, address)
    const etag = String(first.headers['etag'])
    expect(first.headers['cache-control']).toBe('private, no-cache')
    const again = await behind.get(path, orders, address, { 'If-None-Match': `"x", W/${etag}` })
    expect({ status: again.status, text: again.text, etag: again.headers['etag'] }).toEqual({
      status: 304,
      text: '',
      etag,
    })
    await setRules([{ endpoint: 'GET /etag', scopes: [] }])
    expect((await behind.get(path, orders, address, { 'If-None-Match': etag })).status).toBe(200)
  })

  it.each<[reason: 'rule.invalid' | 'scope.unknown', field: string, says: RegExp, rules: unknown]>([
    [
      'rule.invalid',
      'endpoint_rules.1.endpoint',
      /GET \/a has a rule already/,
      [
        { endpoint: 'GET /a', scopes: [] },
        { endpoint: 'GET /a/', scopes: ['read'] },
      ],
    ],
    ['rule.invalid', 'endpoint_rules.0.endpoint', /capitals/, [{ endpoint: 'get /a', scopes: [] }]],
    ['rule.invalid', 'endpoint_rules.0.endpoint', /alone/, [{ endpoint: 'GET /**/a', scopes: [] }]],
    ['rule.invalid', 'endpoint_rules.0.endpoint', /segment/, [{ endpoint: 'GET /a%2fb', scopes: [] }]],
    [
      'scope.unknown',
      'endpoint_rules.0.scopes.1',
      /orders has no scope delete, stock\/read/,
      [
        { endpoint: 'GET /a', scopes: ['read', 'stock/read'] },
        { endpoint: 'GET /b', scopes: ['delete'] },
      ],
    ],
  ])('are refused with the entry: %s %s', async (reason, field, says, rules) => {
    const before = (await behind.admin('GET', '/resource-servers/orders')).text
    const answer = await setRules(rules)
    expectProblem(answer, 422, reason)
    expect(answer.body).toMatchObject({ field, detail: expect.stringMatching(says) })
    expect((await behind.admin('GET', '/resource-servers/orders')).text).toBe(before)
  })

  it('keep the scopes that they need', async () => {
    await behind.admin('PATCH', '/resource-servers/orders', { set_scopes: [{ name: 'extra', description: '' }] })
    await setRules([{ endpoint: 'GET /extra', scopes: ['extra'] }])
    const remove = { remove_scopes: ['extra'], force: true }
    expectProblem(await behind.admin('PATCH', '/resource-servers/orders', remove), 409, 'scope.in_use')
    expectProblem(await setRules([{ endpoint: 'GET /y', scopes: ['extra'] }], remove), 422, 'scope.unknown')
    expect((await setRules([{ endpoint: 'GET /extra', scopes: [] }], remove)).status).toBe(200)
  })

  it('may come with the API', async () => {
    const body = { name: 'fresh', audience: 'urn:fresh', scopes: [{ name: 'read', description: '' }] }
    const rule = { endpoint: 'GET /**', scopes: ['read'] }
    const unknown = await behind.admin('POST', '/resource-servers', {
      ...body,
      endpoint_rules: [{ ...rule, scopes: ['no'] }],
    })
    expectProblem(unknown, 422, 'scope.unknown')
    expect((await behind.admin('POST', '/resource-servers', { ...body, endpoint_rules: [rule] })).body).toMatchObject({
      endpoint_rules: [rule],
    })
    expect((await behind.get(path, await credentialOf('fresh'), address)).json()).toMatchObject({ version: 1 })
  })
})

describe('the network policy of a client', () => {
  const resolve = (credential: TestPartner, id: string) => behind.get(`${path}?policy=${id}`, credential, address)
  const referred = async (partner: TestPartner) => {
    const { lk_network: claim } = claimsOf(await behind.token(partner, address))
    return (claim as { policies: Record<string, { id: string; version: number }> }).policies
  }

  it('is resolved for the APIs that it is about, as each of them needs it', async () => {
    const covers = { token_endpoint: false, apis: [{ name: 'orders', endpoints: ['POST /x'] }] }
    const partner = await behind.register(['orders/read', 'stock/read'], { mode: 'report', allow: [office], covers })
    const named = (await referred(partner))['https://orders.example.com'] ?? { id: '', version: 0 }
    expect((await resolve(orders, named.id)).json()).toEqual({
      ...named,
      restriction: { allow: ['198.51.100.0/24'], endpoints: ['POST /x'], report_only: true },
    })
    expect((await resolve(stock, named.id)).json()).toEqual({ ...named, restriction: 'unrestricted' })
    await behind.admin('PATCH', `/clients/${partner.clientId}`, { network: null })
    const lifted = (await resolve(orders, named.id)).json<{ version: number }>()
    expect(lifted).toMatchObject({ id: named.id, restriction: 'unrestricted' })
    expect(lifted.version).toBeGreaterThan(named.version)
  })

  it('has another version once an address has ended, without a write', async () => {
    const { clock } = behind.server
    const end = Math.floor(clock.now() / 1000) + 60
    const partner = await behind.register(['orders/read', 'stock/read'], {
      allow: [office, { cidr: '203.0.113.9', ends_at: end }],
    })
    const before = (await referred(partner))['https://stock.example.com'] ?? { id: '', version: 0 }
    const first = await resolve(orders, before.id)
    expect(first.json()).toMatchObject({ restriction: { allow: ['198.51.100.0/24', '203.0.113.9/32'] } })
    clock.advance(60_000)
    const after = (await referred(partner))['https://stock.example.com']
    expect(after).toEqual({ id: before.id, version: end * 1000 })
    expect(end * 1000).toBeGreaterThan(before.version)
    const second = await behind.get(`${path}?policy=${before.id}`, orders, address, {
      'If-None-Match': String(first.headers['etag']),
    })
    expect(second.json()).toEqual({ ...after, restriction: { allow: ['198.51.100.0/24'] } })
    const changed = await behind.admin('PATCH', `/clients/${partner.clientId}`, { network: { mode: 'report' } })
    expect((changed.body['network'] as { version: number }).version).toBeGreaterThan(end * 1000)
  })

  it('is nothing to other APIs, and is there for nobody else', async () => {
    const partner = await behind.register(['orders/read', 'stock/read'], { allow: [office] })
    const { id = '' } = (await referred(partner))['https://orders.example.com'] ?? {}
    await behind.admin('PATCH', `/clients/${partner.clientId}`, { remove_scopes: ['stock/read'] })
    expect((await resolve(orders, id)).status).toBe(200)
    for (const unknown of [
      await resolve(stock, id),
      await resolve(orders, 'a'.repeat(24)),
      await resolve(orders, '../x'),
    ]) {
      expect({ status: unknown.status, type: unknown.headers['content-type'] }).toEqual({
        status: 404,
        type: 'application/problem+json',
      })
    }
    const own = await resolve(partner, id)
    expect({ status: own.status, body: own.json() }).toMatchObject({
      status: 403,
      body: { error: 'unauthorized_client' },
    })
    expect((await behind.get(path, { ...orders, clientSecret: `${orders.clientSecret}x` }, address)).status).toBe(401)
    expect((await behind.get(`${path}?policy=${id}&policy=${id}`, orders, address)).status).toBe(400)
    expect((await behind.post(path, orders, address, {})).status).toBe(405)
    await behind.admin('DELETE', `/clients/${partner.clientId}`)
    expect((await resolve(orders, id)).status).toBe(404)
  })
})
