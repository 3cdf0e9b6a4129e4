import { networkClaim, type NetworkPolicyDocument } from '@latchkey/protocol'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { GuardOptions } from '../options.ts'
import { audience, readScope, startProtectedApi, type ProtectedApi } from '../protected-api.test.support.ts'
import { readRequestFacts } from '../request-facts.ts'
import type { RouteDeclaration } from '../route-requirement.ts'

/* Where a token's client may call from, as `lk_network` says it: enforced wherever it is present. */

const credential = { clientId: 'test-api', clientSecret: 'test-api-secret/+ ü' }

interface Call {
  /** Of the connection; null: unknown. */
  readonly from?: string | null
  readonly method?: string
  readonly target?: string
  readonly route?: Partial<RouteDeclaration>
}

/** `ok`, or the reason. */
async function judge(api: ProtectedApi, claim: unknown, call: Call = {}): Promise<string> {
  const { from = '203.0.113.7', method = 'GET', target = '/', route } = call
  const token = await api.issuer.sign({ [networkClaim]: claim })
  const connection = { address: from ?? undefined, certificate: undefined }
  const facts = readRequestFacts(['authorization', `Bearer ${token}`], connection, { method, target })
  const verdict = await api.guard.verify(facts, api.guard.declare({ scopes: [readScope], ...route }))
  return verdict.ok ? 'ok' : verdict.refusal.reason
}

describe('in the token', () => {
  let api: ProtectedApi
  beforeAll(async () => {
    api = await startProtectedApi()
  })
  afterAll(() => api[Symbol.asyncDispose]())

  test.each<[from: string | null, allow: string[], reason: string]>([
    ['203.0.113.7', ['203.0.113.0/24'], 'ok'],
    ['203.0.113.7', ['203.0.113.7/32'], 'ok'],
    ['203.0.113.7', ['198.51.100.0/24', '203.0.113.6/31'], 'ok'],
    ['::ffff:203.0.113.7', ['203.0.113.0/24'], 'ok'],
    ['2001:DB8:0:0::7', ['2001:db8::/48'], 'ok'],
    ['2001:db8::7', ['2001:db8::7/128'], 'ok'],
    ['203.0.113.7', ['0.0.0.0/0'], 'ok'],
    ['203.0.113.8', ['203.0.113.7/32'], 'network.address_not_allowed'],
    ['203.0.114.0', ['203.0.113.0/24'], 'network.address_not_allowed'],
    ['203.0.113.7', [], 'network.address_not_allowed'],
    ['203.0.113.7', ['::/0'], 'network.address_not_allowed'],
    ['2001:db8::7', ['0.0.0.0/0'], 'network.address_not_allowed'],
    ['2001:db8:1::7', ['2001:db8::/48'], 'network.address_not_allowed'],
    [null, ['0.0.0.0/0'], 'network.address_unknown'],
    ['', ['0.0.0.0/0'], 'network.address_unknown'],
    ['0313.0.0161.07', ['0.0.0.0/0'], 'network.address_unknown'],
    ['3405803783', ['0.0.0.0/0'], 'network.address_unknown'],
    ['203.0.113.7, 10.0.0.1', ['0.0.0.0/0', '::/0'], 'network.address_unknown'],
    ['unknown', ['0.0.0.0/0', '::/0'], 'network.address_unknown'],
  ])('%s, allowed %j → %s', async (from, allow, reason) => {
    expect(await judge(api, { allow }, { from })).toBe(reason)
  })

  test('unrestricted passes, from anywhere and where an allowed address is asked for', async () => {
    expect(await judge(api, 'unrestricted', { from: null })).toBe('ok')
    expect(await judge(api, 'unrestricted', { route: { allowedIp: true } })).toBe('ok')
  })

  test('an absent claim passes, but where an allowed address is asked for', async () => {
    expect(await judge(api, undefined)).toBe('ok')
    expect(await judge(api, undefined, { route: { allowedIp: true } })).toBe('network.not_stated')
    expect(await judge(api, { allow: ['203.0.113.7/32'] }, { route: { allowedIp: true } })).toBe('ok')
  })

  test.each<[call: Partial<Call>, reason: string]>([
    [{ method: 'POST', target: '/configurations' }, 'network.address_not_allowed'],
    [{ method: 'POST', target: '/configurations/1?x=1' }, 'network.address_not_allowed'],
    [{ method: 'POST', target: '/Configurations/1' }, 'network.address_not_allowed'],
    [{ method: 'post', target: '/configurations/1' }, 'network.address_not_allowed'],
    [{ method: 'GET', target: '/other/../configurations/1' }, 'network.address_not_allowed'],
    [{ method: 'GET', target: '//configurations/1' }, 'network.address_not_allowed'],
    [{ method: 'GET', target: '/configurations%2f1' }, 'network.address_not_allowed'],
    [{ method: 'GET', target: 'http://api.example.com/configurations/1' }, 'network.address_not_allowed'],
    [{ method: 'GET', target: '/configurations/1' }, 'ok'],
    [{ method: 'POST', target: '/other' }, 'ok'],
    [{ method: 'POST', target: '/configurations/1', from: '192.0.2.1' }, 'ok'],
  ])('narrowed to POST /configurations/**: %j → %s', async (call, reason) => {
    const claim = { allow: ['192.0.2.1/32'], endpoints: ['POST /configurations/**'] }
    expect(await judge(api, claim, call)).toBe(reason)
  })

  test('narrowed, where method and path are not known: every call is meant', async () => {
    const token = await api.issuer.sign({ [networkClaim]: { allow: [], endpoints: ['POST /x'] } })
    const facts = readRequestFacts(['authorization', `Bearer ${token}`], {
      address: '203.0.113.7',
      certificate: undefined,
    })
    expect(await api.guard.verify(facts, api.guard.declare({ scopes: [readScope] }))).toMatchObject({
      refusal: { reason: 'network.address_not_allowed' },
    })
  })

  test('report-only passes, and is reported', async () => {
    const before = api.events.length
    expect(await judge(api, { allow: ['192.0.2.1/32'], report_only: true })).toBe('ok')
    expect(await judge(api, { allow: ['192.0.2.1/32'], report_only: true }, { from: '192.0.2.1' })).toBe('ok')
    expect(api.events.slice(before)).toEqual([
      {
        type: 'request.reported',
        reason: 'network.address_not_allowed',
        clientId: 'test-client',
        address: '203.0.113.7',
      },
    ])
  })

  test.each([
    null,
    true,
    'restricted',
    [],
    {},
    { allow: '203.0.113.0/24' },
    { allow: [1] },
    { allow: ['203.0.113.0/33'] },
    { allow: ['example.com'] },
    { allow: ['0203.0.113.0/24'] },
    { allow: Array.from({ length: 33 }, (_, i) => `203.0.${i}.0/24`) },
    { allow: ['0.0.0.0/0'], deny: ['203.0.113.7/32'] },
    { allow: ['0.0.0.0/0'], report_only: false },
    { allow: ['0.0.0.0/0'], report_only: 'true' },
    { allow: ['0.0.0.0/0'], endpoints: 'POST /x' },
    { allow: ['0.0.0.0/0'], endpoints: ['POST /x/../y'] },
    { policies: [] },
    { policies: {}, allow: ['0.0.0.0/0'] },
    { policies: { [audience]: { id: 'p' } } },
    { policies: { [audience]: { id: 'p', version: -1 } } },
    { policies: { [audience]: { id: 'p', version: 1, more: 1 } } },
    { policies: { [audience]: 'unrestricted', other: 'restricted' } },
  ])('a claim that is not understood refuses the token: %j', async (claim) => {
    expect(await judge(api, claim)).toBe('token.claims')
  })

  test('over HTTP: 403, no challenge, and the caller is told the address as it was seen', async () => {
    const token = await api.issuer.sign({ [networkClaim]: { allow: ['192.0.2.1/32'] } })
    const answer = await api.call(token)
    expect(answer.status).toBe(403)
    expect(answer.headers).not.toHaveProperty('www-authenticate')
    expect(answer.json).toMatchObject({ code: 'address_not_allowed', address: '127.0.0.1' })
    expect(api.events.at(-1)).toEqual({
      type: 'request.refused',
      reason: 'network.address_not_allowed',
      clientId: 'test-client',
      address: '127.0.0.1',
    })
    const good = await api.issuer.sign({ [networkClaim]: { allow: ['127.0.0.0/8'] } })
    expect((await api.call(good)).status).toBe(200)
  })
})

describe('by reference', () => {
  let api: ProtectedApi
  const options: Partial<GuardOptions> = { credential }
  beforeEach(async () => {
    api = await startProtectedApi(options)
  })
  afterEach(() => api[Symbol.asyncDispose]())

  function publish(version: number, allow: readonly string[]): void {
    const policy: NetworkPolicyDocument = { id: 'p1', version, restriction: { allow } }
    api.issuer.resourceServer.policies.set('p1', policy)
  }

  const naming = (version: number) => ({ policies: { [audience]: { id: 'p1', version } } })
  const asked = () => api.issuer.requests.filter((path) => path.includes('policy=')).length

  test('asked for once with the credential of the API, and enforced', async () => {
    publish(3, ['203.0.113.0/24'])
    const judged = await Promise.all(Array.from({ length: 20 }, () => judge(api, naming(3))))
    expect(new Set(judged)).toEqual(new Set(['ok']))
    expect(await judge(api, naming(3), { from: '192.0.2.1' })).toBe('network.address_not_allowed')
    expect(await judge(api, naming(2))).toBe('ok')
    expect(asked()).toBe(1)
  })

  test('a higher version is asked for again; one that the issuer does not have yet → 503', async () => {
    publish(3, ['203.0.113.0/24'])
    expect(await judge(api, naming(3))).toBe('ok')
    expect(await judge(api, naming(4))).toBe('network.policy_unavailable')
    publish(4, ['192.0.2.0/24'])
    api.clock.advance(3)
    expect(await judge(api, naming(4))).toBe('network.address_not_allowed')
    expect(await judge(api, naming(3))).toBe('network.address_not_allowed')
  })

  test('an unrestricted one, and one for this audience said so in the token', async () => {
    api.issuer.resourceServer.policies.set('p1', { id: 'p1', version: 1, restriction: 'unrestricted' })
    expect(await judge(api, naming(1))).toBe('ok')
    expect(await judge(api, { policies: { [audience]: 'unrestricted' } })).toBe('ok')
    expect(await judge(api, { policies: { 'https://other.example.com': 'unrestricted' } })).toBe(
      'network.audience_not_named',
    )
  })

  test('none at the issuer → 403; the issuer away → 503', async () => {
    expect(await judge(api, naming(1))).toBe('network.policy_unknown')
    api.clock.advance(3)
    api.issuer.intercept = (request, response) =>
      request.url?.includes('policy=') === true ? void response.writeHead(500).end() : 'pass'
    publish(1, ['203.0.113.0/24'])
    expect(await judge(api, naming(1))).toBe('network.policy_unavailable')
    const { guard, issuer } = api
    const token = await issuer.sign({ [networkClaim]: naming(1) })
    const answer = await api.call(token)
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '2'])
    issuer.intercept = undefined
    api.clock.advance(3)
    expect(await judge(api, naming(1))).toBe('ok')
    expect(guard).toBeDefined()
  })

  test('known ones serve while the issuer is away, for an hour', async () => {
    publish(1, ['203.0.113.0/24'])
    expect(await judge(api, naming(1))).toBe('ok')
    api.issuer.intercept = (request, response) =>
      request.url?.includes('policy=') === true ? void response.writeHead(503).end() : 'pass'
    api.clock.advance(3500)
    expect(await judge(api, naming(1))).toBe('ok')
    expect(await judge(api, naming(1), { from: '192.0.2.1' })).toBe('network.address_not_allowed')
    api.clock.advance(100)
    expect(await judge(api, naming(1))).toBe('network.policy_unavailable')
  })

  test('confirmed after a minute: an address whose end has come, and a policy that is gone', async () => {
    publish(1, ['203.0.113.0/24', '192.0.2.0/24'])
    expect(await judge(api, naming(1))).toBe('ok')
    publish(1, ['192.0.2.0/24'])
    api.clock.advance(59)
    expect(await judge(api, naming(1))).toBe('ok')
    api.clock.advance(2)
    expect(await judge(api, naming(1))).toBe('network.address_not_allowed')
    api.issuer.resourceServer.policies.clear()
    api.clock.advance(61)
    expect(await judge(api, naming(1), { from: '192.0.2.1' })).toBe('network.policy_unknown')
  })

  test.each<object>([
    { id: 'p2', version: 1, restriction: 'unrestricted' },
    { id: 'p1', version: '1', restriction: 'unrestricted' },
    { id: 'p1', version: 1 },
    { id: 'p1', version: 1, restriction: { allow: ['0.0.0.0/0'], deny: [] } },
  ])('an answer that is not understood → 503: %j', async (policy) => {
    api.issuer.resourceServer.policies.set('p1', policy as Record<string, unknown>)
    expect(await judge(api, naming(1))).toBe('network.policy_unavailable')
    expect(api.events.at(-1)).toMatchObject({ type: 'policies.failed', failure: { reason: 'policy.not_understood' } })
  })

  test('a wrong credential → 503, none → 500, and neither is told to the caller', async () => {
    publish(1, ['127.0.0.0/8'])
    await using wrong = await startProtectedApi({
      issuer: api.issuer.issuer,
      credential: { ...credential, clientSecret: 'wrong' },
    })
    await using none = await startProtectedApi({ issuer: api.issuer.issuer })
    const token = await api.issuer.sign({ [networkClaim]: naming(1) })
    expect((await wrong.call(token)).status).toBe(503)
    expect(wrong.events).toContainEqual({
      type: 'policies.failed',
      failure: { url: `${api.issuer.issuer}/oauth2/resource-server`, reason: 'http_status', status: 401 },
    })
    expect((await none.call(token)).json).toMatchObject({ code: 'server_error', status: 500 })
    expect(none.refusals).toEqual(['network.no_credential'])
    expect(JSON.stringify(wrong.events)).not.toContain('wrong')
  })
})
