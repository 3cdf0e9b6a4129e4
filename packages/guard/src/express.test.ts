import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import type { Server } from 'node:http'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { GuardConfigurationError } from './configuration-error.ts'
import type { GuardEvent } from './events.ts'
import { guardedRoutes, type ExpressGuard, type ExpressGuardOptions } from './express.ts'
import { createGuard, type Guard } from './guard.ts'
import { audience, call, listen, readScope, stop, writeScope } from './protected-api.test.support.ts'
import { startTestIssuer, type TestIssuer } from './testing.ts'

let issuer: TestIssuer
let guard: Guard
let app: Express
let server: Server | undefined
let events: GuardEvent[]

beforeEach(async () => {
  issuer = await startTestIssuer({ audience, scope: readScope })
  events = []
  const onEvent = (event: GuardEvent): void => void events.push(event)
  guard = createGuard({ issuer: issuer.issuer, audience, resourceServer: 'configurations', onEvent })
  app = express()
  server = undefined
})
afterEach(async () => {
  if (server !== undefined) await stop(server)
  await guard.close()
  await issuer.close()
})

function mount(options?: ExpressGuardOptions): ExpressGuard {
  const routes = guardedRoutes(guard, options)
  app.use(routes.handler)
  return routes
}

async function serve(): Promise<string> {
  // What Express would print of an error is no part of these tests.
  app.set('env', 'test')
  const listening = await listen(app)
  server = listening.server
  return listening.url
}

async function bearer(scope = readScope): Promise<string[]> {
  return ['authorization', `Bearer ${await issuer.sign({ scope })}`]
}

const read = { scopes: [readScope] }

describe('a protected route', () => {
  test('access for a good token; refusals as everywhere else', async () => {
    mount()
      .needs(read)
      .get('/', ({ access }, response) => void response.json({ clientId: access.clientId, scopes: [...access.scopes] }))
    const url = await serve()
    expect((await call(url, await bearer())).json).toEqual({ clientId: 'test-client', scopes: [readScope] })
    const missing = await call(url)
    expect([missing.status, missing.headers['content-type']]).toEqual([401, 'application/problem+json'])
    expect(missing.headers['www-authenticate']).toContain(`Bearer scope="${readScope}", resource_metadata=`)
    expect((await call(url, await bearer(writeScope))).status).toBe(403)
    const twice = [...(await bearer()), ...(await bearer())]
    expect((await call(url, twice)).status).toBe(400)
    expect((await call(`${url}/?access_token=${(await bearer())[1]?.slice(7)}`)).status).toBe(401)
  })

  test('a token that was revoked → 401', async () => {
    mount()
      .needs(read)
      .get('/', (_request, response) => void response.end())
    const url = await serve()
    const good = await bearer()
    expect((await call(url, good)).status).toBe(200)
    issuer.revokeCredential()
    await vi.waitFor(async () => expect((await call(url, good)).status).toBe(401), { timeout: 15_000 })
    expect(events.at(-1)).toMatchObject({ reason: 'token.revoked', detail: 'credential' })
  })

  test('HEAD, which Express answers by the GET route, is protected too', async () => {
    mount()
      .needs(read)
      .get('/', (_request, response) => void response.end('secret'))
    const url = await serve()
    expect((await call(url, [], 'HEAD')).status).toBe(401)
    expect((await call(url, await bearer(), 'HEAD')).status).toBe(200)
  })

  test.each(['all', 'get', 'post', 'put', 'patch', 'delete', 'options'] as const)('%s', async (verb) => {
    const routes = mount().needs(read)
    routes[verb]('/things/:id', (request, response) => void response.end(request.params['id']))
    const url = `${await serve()}/things/7`
    const method = verb === 'all' ? 'PROPFIND' : verb.toUpperCase()
    expect((await call(url, [], method)).status).toBe(401)
    expect((await call(url, await bearer(), method)).text).toBe('7')
  })

  test('the check runs before the body is read, and before every handler of the route', async () => {
    let ran = 0
    const first = (_request: Request, _response: Response, next: NextFunction): void => {
      ran += 1
      next()
    }
    mount()
      .needs(read)
      .post('/things', first, express.json(), (_request, response) => void response.end('done'))
    const url = `${await serve()}/things`
    const garbage = ['content-type', 'application/json', 'content-length', '1', 'expect', '100-continue']
    expect((await call(url, garbage, 'POST')).status).toBe(401)
    expect(ran).toBe(0)
    expect((await call(url, await bearer(), 'POST')).text).toBe('done')
    expect(ran).toBe(1)
  })

  test('access does not pass from one request to the next, and cannot be replaced on the way', async () => {
    app.use((request, _response, next) => {
      Object.assign(request, { access: { clientId: 'stranger' } })
      next()
    })
    mount()
      .needs(read)
      .get(
        '/',
        (request, _response, next) => {
          expect(() => Object.assign(request, { access: 'x' })).toThrow(TypeError)
          next()
        },
        ({ access }, response) => void response.end(access.clientId),
      )
    const url = await serve()
    const clients = Array.from({ length: 20 }, (_, i) => `client-${i}`)
    const answers = await Promise.all(
      clients.map(async (id) => call(url, ['authorization', `Bearer ${await issuer.sign({ client_id: id })}`])),
    )
    expect(answers.map(({ text }) => text)).toEqual(clients)
  })

  test("an error of a handler goes to the app's error handler", async () => {
    mount()
      .needs(read)
      .get('/', async () => {
        throw new Error('teapot')
      })
    app.use((error: Error, _request: Request, response: Response, _next: NextFunction) => {
      response.status(418).end(error.message)
    })
    const answer = await call(await serve(), await bearer())
    expect([answer.status, answer.text]).toEqual([418, 'teapot'])
  })
})

describe('deny by default', () => {
  test.each([undefined, {}, { scopes: [] }, { scopes: ['configurations.read'] }, { scopes: ['other/x'] }, [readScope]])(
    'needs(%j) throws',
    (route) => {
      const routes = mount()
      expect(() => routes.needs(route as never)).toThrow(GuardConfigurationError)
    },
  )

  test('mounted first, it lets nothing else be reached: what is not declared in it is 404', async () => {
    mount()
      .needs(read)
      .get('/things', (_request, response) => void response.end('things'))
    app.get('/forgotten', (_request, response) => void response.end('open'))
    const url = await serve()
    for (const [path, method] of [
      ['/forgotten', 'GET'],
      ['/nowhere', 'GET'],
      ['/things', 'DELETE'],
      ['/things/1', 'GET'],
    ] as const) {
      const answer = await call(url + path, await bearer(), method)
      expect([answer.status, answer.json['code']]).toEqual([404, 'not_found'])
    }
    expect(events.at(-1)).toMatchObject({ reason: 'route.unknown' })
  })

  test('publicNotFoundHandler: what comes after the guard is for everybody', async () => {
    mount({ publicNotFoundHandler: true })
    app.use((_request, response) => void response.status(404).end('nothing'))
    const answer = await call(`${await serve()}/nowhere`)
    expect([answer.status, answer.text]).toEqual([404, 'nothing'])
  })

  test('below a prefix it guards what is below', async () => {
    const routes = guardedRoutes(guard)
    routes.needs(read).get('/inside', (_request, response) => void response.end('inside'))
    app.use('/v1', routes.handler)
    app.get('/outside', (_request, response) => void response.end('outside'))
    const url = await serve()
    expect((await call(`${url}/outside`)).text).toBe('outside')
    expect((await call(`${url}/v1/inside`)).status).toBe(401)
    expect((await call(`${url}/v1/inside`, await bearer())).text).toBe('inside')
    expect((await call(`${url}/v1/outside`)).status).toBe(404)
  })

  test.each(['/THINGS', '/things/', '//things', '/things%2f', '/x/../things', '/%74hings'])(
    'spelt %s, a path is protected or unknown, and never open',
    async (path) => {
      mount()
        .needs(read)
        .get('/things', (_request, response) => void response.end('things'))
      expect([401, 404]).toContain((await call((await serve()) + path)).status)
    },
  )
})

test('OPTIONS of a known path is answered by Express, with its methods and nothing else', async () => {
  mount()
    .needs(read)
    .get('/things', (_request, response) => void response.end('things'))
  const url = await serve()
  const known = await call(`${url}/things`, [], 'OPTIONS')
  expect([known.status, known.headers.allow, known.text]).toEqual([200, 'GET, HEAD', 'GET, HEAD'])
  expect((await call(`${url}/nowhere`, [], 'OPTIONS')).status).toBe(404)
})

describe('open routes', () => {
  test('open to everybody, whatever they send; reading access there fails', async () => {
    const { open } = mount()
    open.get('/open', (_request, response) => void response.end('open'))
    open.get('/mistaken', ({ access }, response) => void response.end(access.clientId))
    const url = await serve()
    expect((await call(`${url}/open`, ['authorization', 'Bearer x'])).text).toBe('open')
    expect((await call(`${url}/mistaken`, await bearer())).status).toBe(500)
  })

  test('metadata (RFC 9728 §3.2), with a query too; not by POST', async () => {
    mount()
      .needs(read)
      .get('/', (_request, response) => void response.end())
    const url = `${await serve()}/.well-known/oauth-protected-resource/v1`
    const expected = {
      resource: audience,
      authorization_servers: [issuer.issuer],
      scopes_supported: [readScope],
      bearer_methods_supported: ['header'],
    }
    expect((await call(url)).json).toEqual(expected)
    expect((await call(`${url}?a=b`)).json).toEqual(expected)
    expect((await call(url, [], 'HEAD')).status).toBe(200)
    expect((await call(url, [], 'POST')).status).toBe(404)
  })

  test('serveResourceMetadata: false', async () => {
    mount({ serveResourceMetadata: false })
    expect((await call(`${await serve()}/.well-known/oauth-protected-resource/v1`)).status).toBe(404)
  })
})
