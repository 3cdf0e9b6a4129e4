import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectProblem } from '../admin-api/testing/admin-request.ts'
import { claimsOf, startBehindProxy, type ProxiedServer, type TestPartner } from './network.test.support.ts'

/* A whole server behind a proxy: where a caller is, is what the proxy says. */

let behind: ProxiedServer

const office = { cidr: '198.51.100.0/24' }
const inside = '198.51.100.7'
const outside = '203.0.113.9'

beforeAll(async () => {
  behind = await startBehindProxy()
  await behind.server.registerApi('orders', ['read', 'write'])
  await behind.server.registerApi('stock', ['read'])
})

afterAll(async () => {
  await behind.server.dispose()
})

describe('at the token endpoint', () => {
  it('lets a client in from an address that is allowed, and tells it apart from others by its own alone', async () => {
    const partner = await behind.register(['orders/read'], { allow: [office, { cidr: '2001:db8::/32' }] })
    const elsewhere = await behind.register(['orders/read'], { allow: [{ cidr: outside }] })
    const free = await behind.register(['orders/read'])
    const table: [TestPartner, string, number][] = [
      [partner, inside, 200],
      [partner, '::ffff:198.51.100.7', 200],
      [partner, '2001:DB8:0::1', 200],
      [partner, '198.51.99.255', 400],
      [partner, '198.51.101.0', 400],
      [partner, '2001:db9::', 400],
      [partner, outside, 400],
      [elsewhere, outside, 200],
      [elsewhere, inside, 400],
      [free, outside, 200],
    ]
    for (const [client, address, status] of table) {
      expect({ address, status: (await behind.token(client, address)).status }).toEqual({ address, status })
    }
  })

  it('tells the caller which address it saw, once it has proved who it is, and a stranger nothing', async () => {
    const partner = await behind.register(['orders/read'], { allow: [office] })
    const refused = await behind.token(partner, outside)
    expect(refused.status).toBe(400)
    expect(refused.json()).toEqual({
      error: 'unauthorized_client',
      error_description: `this client may not call from the address, as this server sees it: ${outside}`,
    })
    const guessed = await behind.token({ ...partner, clientSecret: `${partner.clientSecret}x` }, outside)
    const unknown = await behind.token({ ...partner, clientId: 'nobody' }, outside)
    expect(guessed.status).toBe(401)
    expect(guessed.text).toBe(unknown.text)
    expect(guessed.text).not.toContain(outside)
  })

  it('refuses whoever comes from an address that cannot be read, where a policy applies', async () => {
    const partner = await behind.register(['orders/read'], { allow: [office] })
    const free = await behind.register(['orders/read'])
    // The proxy is in there, and its address must not stand for its callers'.
    const around = await behind.register(['orders/read'], { allow: [office, { cidr: '127.0.0.0/8' }] })
    for (const address of [
      'nonsense',
      '198.51.100.07',
      '0306.063.0144.07',
      '3325256711',
      '198.51.100',
      '',
      '127.0.0.1',
    ]) {
      const answers = [
        await behind.token(partner, address),
        await behind.token(around, address),
        await behind.token(free, address),
      ]
      expect({ address, statuses: answers.map(({ status }) => status) }).toEqual({ address, statuses: [400, 400, 200] })
      expect(answers[1]?.json()['error_description']).toMatch(/as this server sees it: unknown via 127\.0\.0\.1$/)
    }
    expect((await behind.token(around, inside)).status).toBe(200)
  })

  it('says in the audit log where a refused caller was', async () => {
    const partner = await behind.register(['orders/read'], { allow: [office] })
    const { headers } = await behind.token(partner, outside)
    const events = await behind.admin('GET', `/audit/events?request_id=${String(headers['x-request-id'])}`)
    expect(events.body['items']).toMatchObject([
      {
        event: 'token.denied',
        actor: partner.clientId,
        details: { reason: 'network.address_not_allowed', address: outside },
      },
    ])
  })

  it('lets pass what is only reported, and says what would have been refused', async () => {
    const partner = await behind.register(['orders/read'], { mode: 'report', allow: [office] })
    const passed = await behind.token(partner, outside)
    expect(passed.status).toBe(200)
    expect(claimsOf(passed)['lk_network']).toEqual({ allow: ['198.51.100.0/24'], report_only: true })
    const events = await behind.admin('GET', `/audit/events?request_id=${String(passed.headers['x-request-id'])}`)
    expect(events.body['items']).toMatchObject([
      { event: 'token.granted', details: { reason: 'network.would_refuse', address: outside } },
    ])
    const right = await behind.token(partner, inside)
    const granted = await behind.admin('GET', `/audit/events?request_id=${String(right.headers['x-request-id'])}`)
    expect(JSON.stringify(granted.body)).not.toContain('would_refuse')
  })

  it('asks only where the policy covers it', async () => {
    const covers = { token_endpoint: false, apis: [{ name: 'orders' }] }
    const apiOnly = await behind.register(['orders/read'], { allow: [office], covers })
    expect((await behind.token(apiOnly, outside)).status).toBe(200)
    const tokenOnly = { token_endpoint: true, apis: [] }
    const partner = await behind.register(['orders/read'], { allow: [office], covers: tokenOnly })
    expect((await behind.token(partner, outside)).status).toBe(400)
    expect(claimsOf(await behind.token(partner, inside))['lk_network']).toBe('unrestricted')
  })
})

describe('in tokens', () => {
  it('says where one may be used from, and says so when it may be everywhere', async () => {
    const free = await behind.register(['orders/read'])
    expect(claimsOf(await behind.token(free, outside))['lk_network']).toBe('unrestricted')
    const endpoints = ['POST /orders/**', 'GET /orders/{id}/']
    const partner = await behind.register(['orders/read', 'stock/read'], {
      allow: [{ cidr: '10.0.0.0/25' }, { cidr: '10.0.0.128/25' }, { cidr: '10.0.0.3' }],
      covers: { token_endpoint: false, apis: [{ name: 'orders', endpoints }] },
    })
    const orders = claimsOf(await behind.token(partner, outside, { scope: 'orders/read' }))
    expect(orders['lk_network']).toEqual({ allow: ['10.0.0.0/24'], endpoints: ['GET /orders/*', 'POST /orders/**'] })
    expect(claimsOf(await behind.token(partner, outside, { scope: 'stock/read' }))['lk_network']).toBe('unrestricted')
    const both = claimsOf(await behind.token(partner, outside))
    expect(both['lk_network']).toEqual({
      policies: {
        'https://orders.example.com': { id: expect.stringMatching(/^[a-z0-9]{24}$/), version: expect.any(Number) },
        'https://stock.example.com': 'unrestricted',
      },
    })
  })

  it('names the policy where the list is too long to carry', async () => {
    const addresses = (n: number) => Array.from({ length: n }, (_, i) => ({ cidr: `10.0.${i}.1` }))
    const short = await behind.register(['orders/read'], { allow: addresses(32) })
    const long = await behind.register(['orders/read'], { allow: addresses(33) })
    expect(claimsOf(await behind.token(short, '10.0.31.1'))['lk_network']).toMatchObject({
      allow: expect.arrayContaining(['10.0.31.1/32']),
    })
    expect(claimsOf(await behind.token(long, '10.0.32.1'))['lk_network']).toMatchObject({
      policies: { 'https://orders.example.com': { id: expect.any(String) } },
    })
  })

  it('lets none outlive an address that it says it may be used from, and lets addresses end by themselves', async () => {
    const { clock } = behind.server
    const soon = Math.floor(clock.now() / 1000) + 600
    const partner = await behind.register(['orders/read'], {
      allow: [office, { cidr: outside, ends_at: soon }, { cidr: inside, ends_at: soon - 300 }],
    })
    const before = await behind.token(partner, outside)
    expect(claimsOf(before)).toMatchObject({ exp: soon, lk_network: { allow: ['198.51.100.0/24', `${outside}/32`] } })
    clock.advance(600_000)
    const refused = await behind.token(partner, outside)
    expect(refused.json()).toMatchObject({ error: 'unauthorized_client' })
    const after = await behind.token(partner, inside)
    expect(after.json()).toMatchObject({ expires_in: 3600 })
    expect(claimsOf(after)['lk_network']).toEqual({ allow: ['198.51.100.0/24'] })
  })
})

describe('narrowing', () => {
  const active = async (partner: TestPartner, token: string, address: string) =>
    (await behind.post('/oauth2/introspect', partner, address, { token })).json()['active']

  it.each<[what: string, ends: boolean, before: object | undefined, change: object | null]>([
    ['a first policy', true, undefined, { allow: [office] }],
    ['a first policy that reports', false, undefined, { mode: 'report', allow: [office] }],
    ['an address taken away', true, { allow: [office, { cidr: outside }] }, { allow: [office] }],
    ['an address added', false, { allow: [office] }, { allow: [office, { cidr: outside }] }],
    [
      'the same addresses, written otherwise',
      false,
      { allow: [office] },
      { allow: [{ cidr: '198.51.100.0/25' }, { cidr: '198.51.100.128/25' }] },
    ],
    ['a note', false, { allow: [office] }, { allow: [{ ...office, note: 'office' }] }],
    ['an end', true, { allow: [office] }, { allow: [{ ...office, ends_at: 4_000_000_000 }] }],
    [
      'a later end',
      false,
      { allow: [{ ...office, ends_at: 4_000_000_000 }] },
      { allow: [{ ...office, ends_at: 4_000_000_001 }] },
    ],
    [
      'an earlier end',
      true,
      { allow: [{ ...office, ends_at: 4_000_000_001 }] },
      { allow: [{ ...office, ends_at: 4_000_000_000 }] },
    ],
    ['report to enforce', true, { mode: 'report', allow: [office] }, { mode: 'enforce' }],
    ['enforce to report', false, { allow: [office] }, { mode: 'report' }],
    ['lifted', false, { allow: [office] }, null],
    [
      'coverage of another API',
      true,
      { allow: [office], covers: { token_endpoint: true, apis: [] } },
      { covers: { token_endpoint: true, apis: [{ name: 'orders' }] } },
    ],
    [
      'coverage of all of an API',
      true,
      { allow: [office], covers: { token_endpoint: true, apis: [{ name: 'orders', endpoints: ['GET /a'] }] } },
      { covers: { token_endpoint: true, apis: [{ name: 'orders' }] } },
    ],
    [
      'coverage of everything',
      true,
      { allow: [office], covers: { token_endpoint: true, apis: [{ name: 'orders' }] } },
      { covers: null },
    ],
    ['coverage of less', false, { allow: [office] }, { covers: { token_endpoint: false, apis: [{ name: 'orders' }] } }],
  ])('%s: tokens end: %s', async (_what, ends, before, network) => {
    const partner = await behind.register(['orders/read'], before)
    const token = String((await behind.token(partner, inside)).json()['access_token'])
    expect(await active(partner, token, inside)).toBe(true)
    const changed = await behind.admin('PATCH', `/clients/${partner.clientId}`, { network })
    expect(changed.status).toBe(200)
    expect(await active(partner, token, inside)).toBe(!ends)
    // What comes after the change is good, whatever the change.
    const next = String((await behind.token(partner, inside)).json()['access_token'])
    expect(await active(partner, next, inside)).toBe(true)
  })
})

describe('at the other endpoints', () => {
  it('introspection is asked from where tokens are had; what ends access, from anywhere', async () => {
    const partner = await behind.register(['orders/read'], { allow: [office] })
    const token = String((await behind.token(partner, inside)).json()['access_token'])
    const refused = await behind.post('/oauth2/introspect', partner, outside, { token })
    expect(refused.status).toBe(400)
    expect(refused.json()).toMatchObject({
      error: 'unauthorized_client',
      error_description: expect.stringContaining(outside),
    })
    expect((await behind.post('/oauth2/revoke', partner, outside, { token })).status).toBe(200)
    expect((await behind.post('/oauth2/introspect', partner, inside, { token })).json()).toEqual({ active: false })
  })

  it('an administrator issues and tests from wherever he is', async () => {
    const { clientId } = await behind.register(['orders/read'], { allow: [office] })
    expect((await behind.admin('POST', '/tokens/get', { client_id: clientId })).status).toBe(200)
    expect((await behind.admin('POST', `/clients/${clientId}/test`, {})).body).toMatchObject({ granted: true })
    const test = (body: object) => behind.admin('POST', `/clients/${clientId}/test`, body)
    expect((await test({ address: outside })).body).toMatchObject({
      granted: false,
      reason: 'network.address_not_allowed',
      error: 'unauthorized_client',
      address: { seen: outside, verdict: 'not_allowed' },
    })
    const call = { api: 'orders', endpoint: 'POST /orders/7?x=1' }
    expect((await test({ address: '::ffff:198.51.100.7', ...call })).body).toMatchObject({
      granted: true,
      address: { seen: inside, verdict: 'allowed' },
      call: { verdict: 'allowed' },
    })
    expect((await test({ address: outside, ...call })).body).toMatchObject({ call: { verdict: 'not_allowed' } })
    expectProblem(await test({ address: '1.2.3' }), 422, 'network.invalid')
    expectProblem(await test({ address: outside, api: 'nobody' }), 404, 'resource_server.unknown')
    expectProblem(await test({ api: 'orders' }), 422, 'network.invalid')
    expectProblem(await test({ endpoint: 'GET /' }), 422, 'network.invalid')
  })
})

describe('the policy of a client', () => {
  it('is shown in its one spelling, and grows with every change of it alone', async () => {
    const { clientId } = await behind.register(['orders/read'], {
      allow: [
        { cidr: '2001:DB8::/32', note: 'Cloud' },
        { cidr: '::ffff:10.1.2.3', ends_at: 4_000_000_000 },
      ],
      covers: { token_endpoint: true, apis: [{ name: 'orders', endpoints: ['GET /a/', 'GET /a'] }] },
    })
    const shown = await behind.admin('GET', `/clients/${clientId}`)
    expect(shown.body['network']).toEqual({
      id: expect.any(String),
      version: expect.any(Number),
      mode: 'enforce',
      allow: [
        { cidr: '10.1.2.3/32', ends_at: 4_000_000_000 },
        { cidr: '2001:db8::/32', note: 'Cloud' },
      ],
      covers: { token_endpoint: true, apis: [{ name: 'orders', endpoints: ['GET /a'] }] },
    })
    const versionAfter = async (body: object) => {
      const { network } = (await behind.admin('PATCH', `/clients/${clientId}`, body)).body as {
        network: { version: number; id: string }
      }
      return network
    }
    const first = shown.body['network'] as { version: number; id: string }
    expect(await versionAfter({ name: 'Other' })).toEqual(first)
    const second = await versionAfter({ network: { mode: 'report' } })
    expect(second.version).toBeGreaterThan(first.version)
    await behind.admin('PATCH', `/clients/${clientId}`, { network: null })
    expect((await behind.admin('GET', `/clients/${clientId}`)).body['network']).toBeUndefined()
    const third = await versionAfter({ network: { allow: [office] } })
    expect(third).toMatchObject({ id: first.id })
    expect(third.version).toBeGreaterThan(second.version)
  })

  it.each<
    [reason: 'network.invalid' | 'network.no_policy' | 'resource_server.unknown', field: string, network: object]
  >([
    ['network.invalid', 'network.allow.1.cidr', { allow: [office, { cidr: '10.1.2.3/8' }] }],
    ['network.invalid', 'network.allow.0.cidr', { allow: [{ cidr: '10.1.2' }] }],
    ['network.invalid', 'network.allow.0.cidr', { allow: [{ cidr: '010.1.2.3' }] }],
    ['network.invalid', 'network.allow.0.cidr', { allow: [{ cidr: '0.0.0.0/0' }] }],
    ['network.invalid', 'network.allow.1.cidr', { allow: [office, { cidr: '198.51.100.0/24' }] }],
    ['network.invalid', 'network.covers', { allow: [office], covers: { token_endpoint: false, apis: [] } }],
    [
      'network.invalid',
      'network.covers.apis.0.endpoints.1',
      {
        allow: [office],
        covers: { token_endpoint: false, apis: [{ name: 'orders', endpoints: ['GET /a', 'GET /a/../b'] }] },
      },
    ],
    [
      'network.invalid',
      'network.covers.apis.1.name',
      { allow: [office], covers: { token_endpoint: false, apis: [{ name: 'orders' }, { name: 'orders' }] } },
    ],
    [
      'resource_server.unknown',
      'network.covers.apis.0.name',
      { allow: [office], covers: { token_endpoint: false, apis: [{ name: 'nobody' }] } },
    ],
    ['network.no_policy', 'network.allow', { mode: 'report' }],
  ])('is refused with its entry: %s %s', async (reason, field, network) => {
    const { clientId } = await behind.register(['orders/read'])
    const answer = await behind.admin('PATCH', `/clients/${clientId}`, { network })
    expectProblem(answer, reason === 'resource_server.unknown' ? 404 : 422, reason)
    expect(answer.body['field']).toBe(field)
    expect((await behind.admin('GET', `/clients/${clientId}`)).body).toMatchObject({ revision: 1 })
  })
})
