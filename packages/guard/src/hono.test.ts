import { serve as serveOnNode } from '@hono/node-server'
import { Hono } from 'hono'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { GuardConfigurationError } from './configuration-error.ts'
import type { GuardEvent } from './events.ts'
import { createGuard, type Guard } from './guard.ts'
import { honoGuard, needs, open, type HonoGuardOptions } from './hono.ts'
import { audience, call, readScope, stop, writeScope } from './protected-api.test.support.ts'
import { startTestIssuer, type TestIssuer } from './testing.ts'

let issuer: TestIssuer
let guard: Guard
let app: Hono
let server: Server | undefined
let events: GuardEvent[]

beforeEach(async () => {
  issuer = await startTestIssuer({ audience, scope: readScope })
  events = []
  const onEvent = (event: GuardEvent): void => void events.push(event)
  guard = createGuard({ issuer: issuer.issuer, audience, resourceServer: 'configurations', onEvent })
  app = new Hono()
  // What Hono would print of an error is no part of these tests.
  app.onError((error, c) => c.text(error.name, 500))
  server = undefined
})
afterEach(async () => {
  if (server !== undefined) await stop(server)
  await guard.close()
  await issuer.close()
})

function mount(options?: HonoGuardOptions): void {
  app.use(honoGuard(guard, options))
}

async function serve(): Promise<string> {
  server = serveOnNode({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server
  if (!server.listening) await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function bearer(scope = readScope): Promise<string[]> {
  return ['authorization', `Bearer ${await issuer.sign({ scope })}`]
}

const read = { scopes: [readScope] }

describe('a protected route', () => {
  test('access for a good token; refusals as everywhere else', async () => {
    mount()
    app.get('/', needs(guard, read), (c) => {
      const { clientId, scopes } = c.var.access
      return c.json({ clientId, scopes: [...scopes] })
    })
    const url = await serve()
    expect((await call(url, await bearer())).json).toEqual({ clientId: 'test-client', scopes: [readScope] })
    const missing = await call(url)
    expect([missing.status, missing.headers['content-type']]).toEqual([401, 'application/problem+json'])
    expect(missing.headers['www-authenticate']).toContain(`Bearer scope="${readScope}", resource_metadata=`)
    expect((await call(url, await bearer(writeScope))).status).toBe(403)
    expect((await call(`${url}/?access_token=${(await bearer())[1]?.slice(7)}`)).status).toBe(401)
  })

  test('two Authorization headers, in any order and spelling → never 200', async () => {
    mount()
    app.get('/', needs(guard, read), (c) => c.text('secret'))
    const url = await serve()
    const good = (await bearer())[1] ?? ''
    for (const [first, second, status] of [
      [good, good, 400],
      [good, 'Basic YTpi', 400],
      ['Basic YTpi', good, 401],
      ['', good, 400],
      [good, '', 400],
    ] as const) {
      const answer = await call(url, ['Authorization', first, 'x-other', '1', 'AUTHORIZATION', second])
      expect(answer.status).toBe(status)
    }
  })

  test('a token that was revoked → 401', async () => {
    mount()
    app.get('/', needs(guard, read), (c) => c.text(''))
    const url = await serve()
    const good = await bearer()
    expect((await call(url, good)).status).toBe(200)
    issuer.revokeCredential()
    await vi.waitFor(async () => expect((await call(url, good)).status).toBe(401), { timeout: 15_000 })
    expect(events.at(-1)).toMatchObject({ reason: 'token.revoked', detail: 'credential' })
  })

  test('HEAD, which Hono answers by the GET route, is protected too', async () => {
    mount()
    app.get('/', needs(guard, read), (c) => c.text('secret'))
    const url = await serve()
    expect((await call(url, [], 'HEAD')).status).toBe(401)
    expect((await call(url, await bearer(), 'HEAD')).status).toBe(200)
  })

  test('routes of sub-apps are protected, also of one with an error handler of its own', async () => {
    mount()
    const plain = new Hono().get('/things/:id', needs(guard, read), (c) => c.text(`plain ${c.req.param('id')}`))
    const handling = new Hono()
      .onError((_error, c) => c.text('handled', 418))
      .get('/things/:id', needs(guard, read), (c) => c.text(`handling ${c.req.param('id')}`))
      .get('/teapot', needs(guard, read), () => {
        throw new Error('teapot')
      })
      .get('/forgotten', (c) => c.text('open'))
    app.route('/plain', plain)
    app.route('/handling', handling)
    const url = await serve()
    for (const name of ['plain', 'handling']) {
      expect((await call(`${url}/${name}/things/7`)).status).toBe(401)
      expect((await call(`${url}/${name}/things/7`, await bearer())).text).toBe(`${name} 7`)
    }
    expect((await call(`${url}/handling/teapot`, await bearer())).status).toBe(418)
    expect((await call(`${url}/handling/forgotten`, await bearer())).json['code']).toBe('server_error')
  })

  test('every requirement that matches has to be met', async () => {
    mount()
    app.use('/v1/*', needs(guard, read))
    app.get('/v1/things', needs(guard, { scopes: [writeScope] }), (c) => c.text('things'))
    app.get('/v1/open', open, (c) => c.text('open'))
    const url = await serve()
    expect((await call(`${url}/v1/things`, await bearer())).status).toBe(403)
    expect((await call(`${url}/v1/things`, await bearer(writeScope))).status).toBe(403)
    expect((await call(`${url}/v1/things`, await bearer(`${readScope} ${writeScope}`))).text).toBe('things')
    expect((await call(`${url}/v1/open`)).status).toBe(401)
  })

  test('access does not pass from one request to the next', async () => {
    mount()
    app.get('/', needs(guard, read), (c) => c.text(c.var.access.clientId))
    const url = await serve()
    const clients = Array.from({ length: 20 }, (_, i) => `client-${i}`)
    const answers = await Promise.all(
      clients.map(async (id) => call(url, ['authorization', `Bearer ${await issuer.sign({ client_id: id })}`])),
    )
    expect(answers.map(({ text }) => text)).toEqual(clients)
  })
})

describe('deny by default', () => {
  test('a route that says nothing answers 500, and none of its code runs', async () => {
    mount()
    let ran = 0
    const count = async (_c: unknown, next: () => Promise<void>): Promise<void> => {
      ran += 1
      await next()
    }
    app.use(count)
    app.get('/forgotten', count, (c) => c.text('open'))
    app.on('PURGE', '/forgotten', (c) => c.text('open'))
    const url = await serve()
    for (const method of ['GET', 'HEAD', 'PURGE']) {
      expect((await call(`${url}/forgotten`, await bearer(), method)).status).toBe(500)
    }
    expect(events.at(-1)).toMatchObject({ reason: 'route.undeclared' })
    expect(ran).toBe(0)
  })

  test('a route that says nothing stays closed beside a route that matches too, whichever comes first', async () => {
    mount()
    app.get('/early', (c) => c.text('secret'))
    app.get('*', open, async (c, next) => {
      if (c.req.path !== '/page') return next()
      return c.text('page')
    })
    app.get('/late', (c) => c.text('secret'))
    app.get('/late/:id', needs(guard, read), (c) => c.text('things'))
    app.get('/late/mine', (c) => c.text('secret'))
    const url = await serve()
    expect((await call(`${url}/page`)).text).toBe('page')
    expect((await call(`${url}/late/7`, await bearer())).text).toBe('things')
    for (const path of ['/early', '/late', '/late/mine']) {
      const answer = await call(url + path, await bearer())
      expect([path, answer.status, answer.json['code']]).toEqual([path, 500, 'server_error'])
    }
    expect(events.at(-1)).toMatchObject({ reason: 'route.undeclared' })
  })

  test('an unknown path is 404, without the API’s not-found handler or its middleware', async () => {
    mount()
    app.get('/things', needs(guard, read), (c) => c.text('things'))
    app.use('/everything', async (_c, next) => next())
    app.notFound((c) => c.text('anything'))
    const url = await serve()
    for (const [path, method] of [
      ['/nowhere', 'GET'],
      ['/everything', 'GET'],
      ['/things', 'DELETE'],
      ['/things/', 'GET'],
    ] as const) {
      const answer = await call(url + path, await bearer(), method)
      expect([answer.status, answer.json['code']]).toEqual([404, 'not_found'])
    }
  })

  test('a route for every method is one like any other: a fallback that is open does not open it, nor another’s requirement', async () => {
    mount()
    app.all('/forgotten', (c) => c.text('secret'))
    app.all('/things', (c) => c.text('early'))
    app.get('/things', needs(guard, read), (c) => c.text('things'))
    const answers = new Hono().onError((_error, c) => c.text('handled', 418)).all('/deep', (c) => c.text('secret'))
    app.route('/sub', answers)
    app.all('/both', needs(guard, read), (c) => c.text('both'))
    app.get('*', open, (c) => c.text('page'))
    const url = await serve()
    expect((await call(`${url}/elsewhere`)).text).toBe('page')
    for (const path of ['/forgotten', '/things', '/sub/deep']) {
      for (const headers of [[], await bearer()]) {
        const answer = await call(url + path, headers)
        expect([path, answer.status, answer.json['code']]).toEqual([path, 500, 'server_error'])
      }
    }
    expect(events.at(-1)).toMatchObject({ reason: 'route.undeclared' })
    expect((await call(`${url}/forgotten`, [], 'DELETE')).status).toBe(500)
    expect((await call(`${url}/both`)).status).toBe(401)
    expect((await call(`${url}/both`, await bearer())).text).toBe('both')
  })

  test('middleware that answers by itself does not run unjudged before a declared route', async () => {
    mount()
    app.use('/things', async (c, _next) => c.text('early'))
    app.get('/things', needs(guard, read), (c) => c.text('things'))
    const url = await serve()
    expect((await call(`${url}/things`)).status).toBe(401)
    expect((await call(`${url}/things`, await bearer())).text).toBe('early')
  })

  test('a forgotten honoGuard, or one of another guard → 500', async () => {
    app.get('/', needs(guard, read), (c) => c.text('secret'))
    expect((await call(await serve(), await bearer())).text).toBe('GuardConfigurationError')
    const other = createGuard({ issuer: issuer.issuer, audience, resourceServer: 'configurations' })
    const mixed = new Hono().onError((error, c) => c.text(error.name, 500))
    mixed.use(honoGuard(other))
    mixed.get('/', needs(guard, read), (c) => c.text('secret'))
    const headers = { authorization: (await bearer())[1] ?? '' }
    const answer = await mixed.request('/', { headers })
    expect([answer.status, await answer.text()]).toEqual([500, 'GuardConfigurationError'])
  })

  test.each([undefined, {}, { scopes: [] }, { scopes: ['configurations.read'] }, { scopes: ['other/x'] }, [readScope]])(
    'needs(guard, %j) throws',
    (route) => {
      expect(() => needs(guard, route as never)).toThrow(GuardConfigurationError)
    },
  )

  test('outside the app that it is put on nothing is guarded', async () => {
    const inside = new Hono()
    inside.use(honoGuard(guard))
    inside.get('/inside', needs(guard, read), (c) => c.text('inside'))
    app.route('/v1', inside)
    app.get('/outside', (c) => c.text('outside'))
    const url = await serve()
    expect((await call(`${url}/outside`)).text).toBe('outside')
    expect((await call(`${url}/v1/inside`)).status).toBe(401)
    expect((await call(`${url}/v1/inside`, await bearer())).text).toBe('inside')
  })
})

describe('open routes', () => {
  test('open to everybody, whatever they send; no access there', async () => {
    mount()
    app.get('/open', open, (c) => c.text(`open ${String(c.get('access' as never))}`))
    expect((await call(`${await serve()}/open`, await bearer())).text).toBe('open undefined')
  })

  test('metadata (RFC 9728 §3.2), and none if it is not wanted', async () => {
    mount()
    app.get('/', needs(guard, read), (c) => c.text(''))
    const url = `${await serve()}/.well-known/oauth-protected-resource/v1`
    const answer = await call(`${url}?a=b`)
    expect(answer.json).toEqual({
      resource: audience,
      authorization_servers: [issuer.issuer],
      scopes_supported: [readScope],
      bearer_methods_supported: ['header'],
    })
    expect(answer.headers['cache-control']).toBe('public, max-age=300')
    expect((await call(url, [], 'POST')).status).toBe(404)
    const without = new Hono().use(honoGuard(guard, { serveResourceMetadata: false }))
    expect((await without.request('/.well-known/oauth-protected-resource/v1')).status).toBe(404)
  })
})

test('neither the adapter nor the guard imports anything of Node', () => {
  const seen = new Set<string>()
  const foreign = new Set<string>()
  const follow = (file: URL): void => {
    if (seen.has(file.href)) return
    seen.add(file.href)
    const imports = readFileSync(file, 'utf8').matchAll(
      /^(?:import|export)\s(?!type\s)(?:[\w\s{},*]*\sfrom\s)?'([^']+)'/gm,
    )
    for (const [, specifier = ''] of imports) {
      if (specifier.startsWith('.')) follow(new URL(specifier, file))
      else foreign.add(specifier)
    }
  }
  follow(new URL('hono.ts', import.meta.url))
  follow(new URL('index.ts', import.meta.url))
  expect(seen.size).toBeGreaterThan(30)
  // protocol imports nothing but itself: a rule of the lint configuration.
  expect([...foreign].toSorted()).toEqual(['@latchkey/protocol', 'hono/route', 'hono/utils/handler', 'jose'])
})
