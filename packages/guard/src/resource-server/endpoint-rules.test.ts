import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { networkClaim, type EndpointRule } from '@latchkey/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createGuard } from '../guard.ts'
import { protect, savedStateFile } from '../node.ts'
import {
  audience,
  call,
  listen,
  readScope,
  startProtectedApi,
  stop,
  writeScope,
  type ProtectedApi,
} from '../protected-api.test.support.ts'
import { readRequestFacts } from '../request-facts.ts'

/* An API whose routes are decided by the issuer's rules: `guard.declare('rules')`. */

const credential = { clientId: 'test-api', clientSecret: 'test-api-secret/+ ü' }

const rules: readonly EndpointRule[] = [
  { endpoint: 'GET /configurations/**', scopes: [readScope] },
  { endpoint: 'POST /configurations', scopes: [writeScope], allowed_ip: true },
  { endpoint: 'DELETE /configurations/*', scopes: [writeScope], certificate: true },
  { endpoint: '* /any/**', scopes: [] },
]

let api: ProtectedApi

function publish(endpointRules: readonly object[], version = 1, more: object = {}): void {
  api.issuer.resourceServer.document = {
    resource_server: 'configurations',
    audience,
    endpoint_rules: endpointRules,
    version,
    ...more,
  }
}

async function judge(method: string, target: string, claims: object = {}, guard = api.guard): Promise<string> {
  const token = await api.issuer.sign({ ...claims })
  const connection = { address: '203.0.113.7', certificate: undefined }
  const facts = readRequestFacts(['authorization', `Bearer ${token}`], connection, { method, target })
  const verdict = await guard.verify(facts, guard.declare('rules'))
  return verdict.ok ? 'ok' : verdict.refusal.reason
}

beforeEach(async () => {
  api = await startProtectedApi({ credential })
  publish(rules)
})
afterEach(() => api[Symbol.asyncDispose]())

const both = { scope: `${readScope} ${writeScope}` }

describe('the first that matches decides', () => {
  test.each<[method: string, target: string, claims: object, reason: string]>([
    ['GET', '/configurations', {}, 'ok'],
    ['GET', '/configurations/1?x=../..', {}, 'ok'],
    ['HEAD', '/configurations/1', {}, 'ok'],
    ['GET', '/configurations/1', { scope: writeScope }, 'scope.insufficient'],
    ['POST', '/configurations', {}, 'scope.insufficient'],
    ['POST', '/configurations', both, 'network.not_stated'],
    ['POST', '/configurations', { ...both, [networkClaim]: 'unrestricted' }, 'ok'],
    ['POST', '/configurations', { ...both, [networkClaim]: { allow: [] } }, 'network.address_not_allowed'],
    ['DELETE', '/configurations/1', both, 'certificate.required'],
    ['PATCH', '/any/thing', { scope: '' }, 'ok'],
    ['PUT', '/configurations/1', both, 'route.no_rule'],
    ['GET', '/', both, 'route.no_rule'],
    ['GET', '/other', both, 'route.no_rule'],
    ['DELETE', '/configurations/1/2', both, 'route.no_rule'],
  ])('%s %s %j → %s', async (method, target, claims, reason) => {
    expect(await judge(method, target, claims)).toBe(reason)
  })

  test.each([
    '/configurations/..',
    '/any/../configurations',
    '/any/%2e%2e/configurations',
    '/any//x',
    '/any/a%2fb',
    '/any/a%5Cb',
    '/any/a\\b',
    '/any/a;b=c',
    '/any/%252e',
    '/any/%00',
    '/any/%zz',
    '/any/ü',
    'any',
    'http://api/any/x',
    '*',
    '',
  ])('a path that is read in two ways is refused: %j', async (target) => {
    expect(await judge('GET', target, both)).toBe('request.ambiguous_path')
  })

  test('what an earlier rule may mean to a back end is not let through by a later one', async () => {
    publish([
      { endpoint: 'GET /admin/**', scopes: [writeScope] },
      { endpoint: 'GET /**', scopes: [] },
    ])
    expect(await judge('GET', '/admin/x')).toBe('scope.insufficient')
    expect(await judge('GET', '/Admin/x', both)).toBe('request.ambiguous_path')
    expect(await judge('GET', '/%61dmin/x')).toBe('scope.insufficient')
    expect(await judge('GET', '/x')).toBe('ok')
  })

  test('over HTTP, told apart: 403, 400; and scopes are named to holders of a token alone', async () => {
    const guarded = protect(api.guard, 'rules', (_request, response) => void response.end('in'))
    const { server, url } = await listen((request, response) => void guarded(request, response))
    const authorization = ['authorization', `Bearer ${await api.issuer.sign()}`]
    expect((await call(`${url}/configurations`, authorization)).text).toBe('in')
    expect((await call(`${url}/other`, authorization)).json).toMatchObject({
      status: 403,
      code: 'endpoint_not_allowed',
    })
    expect((await call(`${url}//other`, authorization)).json).toMatchObject({ status: 400, code: 'ambiguous_path' })
    const insufficient = await call(`${url}/configurations`, authorization, 'POST')
    expect(insufficient.headers['www-authenticate']).toContain(`scope="${writeScope}"`)
    const stranger = await call(`${url}/configurations`, [], 'POST')
    expect([stranger.status, stranger.headers['www-authenticate']]).toEqual([
      401,
      expect.not.stringContaining('scope='),
    ])
    await stop(server)
  })
})

describe('what is known', () => {
  test('until first contact → 503, and then at once', async () => {
    api.issuer.intercept = (request, response) =>
      request.url?.includes('resource-server') === true ? void response.writeHead(500).end() : 'pass'
    expect(await judge('GET', '/configurations')).toBe('rules.unavailable')
    api.issuer.intercept = undefined
    await vi.waitFor(async () => expect(await judge('GET', '/configurations')).toBe('ok'), { timeout: 5000 })
  })

  test('a change is heard, and confirmed by its tag', async () => {
    expect(await judge('PUT', '/configurations/1')).toBe('route.no_rule')
    publish([{ endpoint: 'PUT /configurations/*', scopes: [readScope] }], 2)
    await vi.waitFor(async () => expect(await judge('PUT', '/configurations/1')).toBe('ok'), { timeout: 8000 })
    expect(api.events.filter(({ type }) => type === 'rules.loaded')).toEqual([
      { type: 'rules.loaded', version: 1, rules: 4 },
      { type: 'rules.loaded', version: 2, rules: 1 },
    ])
  })

  test.each<[what: string, document: object, reason?: string]>([
    ['another API’s', { resource_server: 'other' }, 'rules.another_api'],
    ['another audience’s', { audience: 'https://other.example.com' }, 'rules.another_api'],
    ['no version', { version: undefined }],
    ['no list', { endpoint_rules: {} }],
    ['an unknown member of a rule', { endpoint_rules: [{ endpoint: 'GET /x', scopes: [], mtls: true }] }],
    ['a pattern that is none', { endpoint_rules: [{ endpoint: 'GET /../x', scopes: [] }] }],
    ['no scopes', { endpoint_rules: [{ endpoint: 'GET /x' }] }],
    ['scopes of another API', { endpoint_rules: [{ endpoint: 'GET /x', scopes: ['other/x'] }] }],
    ['a flag that is no flag', { endpoint_rules: [{ endpoint: 'GET /x', scopes: [], allowed_ip: 'yes' }] }],
  ])('a document that is not understood is not used: %s', async (_, more, reason = 'rules.not_understood') => {
    publish([{ endpoint: 'GET /x', scopes: [] }], 1, more)
    expect(await judge('GET', '/x')).toBe('rules.unavailable')
    expect(api.events).toContainEqual({
      type: 'rules.failed',
      failure: { url: `${api.issuer.issuer}/oauth2/resource-server`, reason },
    })
  })

  test('for an hour without the issuer, and kept over a restart', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'guard-rules-'))
    const options = {
      issuer: api.issuer.issuer,
      credential,
      savedState: savedStateFile(path.join(folder, 'guard.json')),
    }
    const policy = { policies: { [audience]: { id: 'p1', version: 1 } } }
    api.issuer.resourceServer.policies.set('p1', { id: 'p1', version: 1, restriction: { allow: ['203.0.113.7/32'] } })
    {
      await using first = await startProtectedApi(options)
      expect(await judge('GET', '/configurations', { [networkClaim]: policy }, first.guard)).toBe('ok')
    }
    api.issuer.intercept = (_request, response) => void response.destroy()
    await using second = await startProtectedApi(options)
    expect(await judge('GET', '/configurations', {}, second.guard)).toBe('ok')
    expect(await judge('GET', '/other', {}, second.guard)).toBe('route.no_rule')
    expect(await judge('GET', '/configurations', { [networkClaim]: policy }, second.guard)).toBe('ok')
    second.clock.advance(3700)
    expect(await judge('GET', '/configurations', {}, second.guard)).toBe('keys.unavailable')
    await rm(folder, { recursive: true })
  })

  test('without a credential the declaration throws', async () => {
    const options = { issuer: api.issuer.issuer, audience, resourceServer: 'configurations' }
    expect(() => createGuard(options).declare('rules')).toThrow(/no credential/)
    expect(() => createGuard({ ...options, credential: { clientId: 'a', clientSecret: '' } })).toThrow(
      'credential.clientSecret is missing',
    )
    expect(() => api.guard.declare({ scopes: [readScope], allowedIp: false as unknown as true })).toThrow(/allowedIp/)
  })
})
