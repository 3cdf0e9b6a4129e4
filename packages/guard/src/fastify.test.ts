import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { GuardConfigurationError } from './configuration-error.ts'
import { fastifyGuard, type FastifyGuardOptions, type RouteGuard } from './fastify.ts'
import { createGuard, type Guard } from './guard.ts'
import { audience, call, readScope, writeScope } from './protected-api.test.support.ts'
import type { GuardEvent } from './events.ts'
import { startTestIssuer, type TestIssuer } from './testing.ts'

let issuer: TestIssuer
let guard: Guard
let app: FastifyInstance
let events: GuardEvent[]

beforeEach(async () => {
  issuer = await startTestIssuer({ audience, scope: readScope })
  events = []
  const onEvent = (event: GuardEvent): void => void events.push(event)
  guard = createGuard({ issuer: issuer.issuer, audience, resourceServer: 'configurations', onEvent })
  app = Fastify()
})
afterEach(async () => {
  await app.close()
  await issuer.close()
})

async function register(more: Omit<FastifyGuardOptions, 'guard'> = {}): Promise<void> {
  await app.register(fastifyGuard, { guard, ...more })
}

async function bearer(scope = readScope): Promise<string[]> {
  return ['authorization', `Bearer ${await issuer.sign({ scope })}`]
}

const read = { config: { guard: { scopes: [readScope] } } }
const open: { config: { guard: RouteGuard } } = { config: { guard: 'public' } }

describe('a protected route', () => {
  test('access for a good token; refusals as everywhere else', async () => {
    await register()
    app.get('/', read, async ({ access }) => ({ clientId: access.clientId, scopes: [...access.scopes] }))
    const url = await app.listen()
    expect((await call(url, await bearer())).json).toEqual({ clientId: 'test-client', scopes: [readScope] })
    const missing = await call(url)
    expect([missing.status, missing.headers['content-type']]).toEqual([401, 'application/problem+json'])
    expect(missing.headers['www-authenticate']).toContain(`Bearer scope="${readScope}", resource_metadata=`)
    expect((await call(url, await bearer(writeScope))).status).toBe(403)
    const twice = [...(await bearer()), ...(await bearer())]
    expect((await call(url, twice)).status).toBe(400)
    expect((await call(`${url}/?access_token=${(await bearer())[1]?.slice(7)}`)).status).toBe(401)
  })

  test('the HEAD route that Fastify adds is protected too', async () => {
    await register()
    app.get('/', read, async () => 'secret')
    const url = await app.listen()
    expect((await call(url, [], 'HEAD')).status).toBe(401)
    expect((await call(url, await bearer(), 'HEAD')).status).toBe(200)
  })

  test('routes of children are protected; the hook runs before the body is read', async () => {
    await register()
    await app.register(async (child) => void child.post('/things', read, async () => 'done'), { prefix: '/v1' })
    const url = await app.listen()
    const garbage = ['content-type', 'application/json', 'content-length', '0']
    expect((await call(`${url}/v1/things`, garbage, 'POST')).status).toBe(401)
    expect((await call(`${url}/v1/things`, [...garbage, ...(await bearer())], 'POST')).status).toBe(400)
  })

  test('access does not pass from one request to the next', async () => {
    await register()
    app.get('/', read, async ({ access }) => access.clientId)
    const url = await app.listen()
    const clients = Array.from({ length: 20 }, (_, i) => `client-${i}`)
    const answers = await Promise.all(
      clients.map(async (id) => call(url, ['authorization', `Bearer ${await issuer.sign({ client_id: id })}`])),
    )
    expect(answers.map(({ text }) => text)).toEqual(clients)
  })
})

describe('deny by default', () => {
  test('a route without a decision fails when it is registered, also in a child', async () => {
    await register()
    expect(() => app.get('/', async () => 'open')).toThrow(GuardConfigurationError)
    expect(() => app.get('/', async () => 'open')).toThrow("config: { guard: 'public' }")
    await expect(app.register(async (child) => void child.delete('/x', async () => 'open')).ready()).rejects.toThrow(
      'Route DELETE /x does not say who may call it',
    )
  })

  test.each([
    {},
    { guard: undefined },
    { guard: null },
    { guard: '' },
    { guard: 'Public' },
    { guard: 'open' },
    { guard: true },
    { guard: false },
    { guard: {} },
    { guard: { scopes: [] } },
    { guard: { scopes: ['configurations.read'] } },
    { guard: { scopes: ['other/configurations.read'] } },
    { guard: [readScope] },
  ])('config %j fails when it is registered', async (config) => {
    await register()
    expect(() => app.get('/', { config: config as never }, async () => 'open')).toThrow(GuardConfigurationError)
  })

  test('a route that was there before the guard answers 500', async () => {
    app.get('/early', async () => 'open')
    app.get('/early-public', open, async () => 'open')
    await register()
    const url = await app.listen()
    for (const path of ['/early', '/early-public']) {
      const answer = await call(url + path, await bearer())
      expect([answer.status, answer.json['code']]).toEqual([500, 'server_error'])
      expect(events.at(-1)).toMatchObject({ reason: 'route.undeclared' })
    }
  })

  test('a forgotten await leaves no route open', async () => {
    void app.register(fastifyGuard, { guard })
    app.get('/', async () => 'open')
    const url = await app.listen()
    expect((await call(url)).status).toBe(500)
  })

  test("an unknown path is 404 without the API's not-found handler, unless that is public", async () => {
    await register()
    app.setNotFoundHandler(async () => 'anything')
    const answer = await call(`${await app.listen()}/nowhere`)
    expect([answer.status, answer.json['code']]).toEqual([404, 'not_found'])
  })

  test('publicNotFoundHandler', async () => {
    await register({ publicNotFoundHandler: true })
    app.setNotFoundHandler(async (_request, reply) => reply.code(404).send('nothing'))
    const answer = await call(`${await app.listen()}/nowhere`)
    expect([answer.status, answer.text]).toEqual([404, 'nothing'])
  })

  test('outside the instance that it is registered on nothing is guarded', async () => {
    await app.register(async (child) => {
      await child.register(fastifyGuard, { guard })
      child.get('/inside', read, async () => 'inside')
    })
    app.get('/outside', async () => 'outside')
    const url = await app.listen()
    expect((await call(`${url}/outside`)).text).toBe('outside')
    expect((await call(`${url}/inside`)).status).toBe(401)
    expect((await call(`${url}/inside`, await bearer())).text).toBe('inside')
  })
})

describe('public routes', () => {
  test('open to everybody, whatever they send; no access there', async () => {
    await register()
    app.get('/open', open, async () => 'open')
    app.get('/mistaken', open, async ({ access }) => access.clientId)
    const url = await app.listen()
    expect((await call(`${url}/open`, ['authorization', 'Bearer x'])).text).toBe('open')
    expect((await call(`${url}/mistaken`, await bearer())).status).toBe(500)
  })

  test('metadata (RFC 9728 §3.2)', async () => {
    await register()
    app.get('/', read, async () => '')
    const answer = await call(`${await app.listen()}/.well-known/oauth-protected-resource/v1`)
    expect(answer.json).toEqual({
      resource: audience,
      authorization_servers: [issuer.issuer],
      scopes_supported: [readScope],
      bearer_methods_supported: ['header'],
    })
  })

  test('metadata below a prefix would be in the wrong place → registration fails with the remedy', async () => {
    const below = async (more: object): Promise<void> => {
      await app.register(
        async (child) => {
          await child.register(fastifyGuard, { guard, ...more })
        },
        {
          prefix: '/v1',
        },
      )
    }
    await expect(below({})).rejects.toThrow('serveResourceMetadata: false')
    app = Fastify()
    await expect(below({ serveResourceMetadata: false })).resolves.toBeUndefined()
  })
})
