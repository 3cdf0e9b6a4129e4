import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve as serveHono } from '@hono/node-server'
import { networkClaim } from '@latchkey/protocol'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { guardedRoutes } from '../express.ts'
import { fastifyGuard } from '../fastify.ts'
import { createGuard, type Guard } from '../guard.ts'
import { honoGuard, needs } from '../hono.ts'
import { protect } from '../node.ts'
import { audience, call, listen, readScope, stop } from '../protected-api.test.support.ts'
import { startTestIssuer, type TestIssuer } from '../testing.ts'

/* Every adapter judges by the method and the path that were sent, wherever its routes are mounted. */

const route = { scopes: [readScope] }

const adapters: Readonly<Record<string, (guard: Guard) => Promise<{ server: Server; url: string }>>> = {
  'node:http'(guard) {
    const guarded = protect(guard, route, (_request, response) => void response.end('in'))
    return listen((request, response) => void guarded(request, response))
  },

  async fastify(guard) {
    const app = fastify()
    await app.register(fastifyGuard, { guard })
    await app.register(
      async (child) => {
        child.all('/things/:id', { config: { guard: route } }, () => 'in')
      },
      { prefix: '/api' },
    )
    return { url: await app.listen({ port: 0, host: '127.0.0.1' }), server: app.server }
  },

  express(guard) {
    const routes = guardedRoutes(guard)
    routes.needs(route).all('/things/:id', (_request, response) => void response.send('in'))
    const outer = express.Router()
    outer.use('/api', routes.handler)
    const app = express()
    app.use(outer)
    return listen(app)
  },

  async hono(guard) {
    const things = new Hono()
    for (const method of ['GET', 'POST']) {
      things.on(method, '/things/:id', needs(guard, route), (context) => context.text('in'))
    }
    const app = new Hono()
    app.use(honoGuard(guard))
    app.route('/api', things)
    const server = serveHono({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server
    if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
    return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
  },
}

let issuer: TestIssuer
beforeAll(async () => {
  issuer = await startTestIssuer({ audience, scope: readScope })
})
afterAll(() => issuer.close())

describe.each(Object.keys(adapters))('%s', (name) => {
  let guard: Guard
  let server: Server
  let url: string
  beforeAll(async () => {
    guard = createGuard({ issuer: issuer.issuer, audience, resourceServer: 'configurations' })
    const started = await adapters[name]?.(guard)
    if (started === undefined) throw new Error(name)
    ;({ server, url } = started)
  })
  afterAll(async () => {
    await Promise.all([stop(server), guard.close()])
  })

  test.each<[method: string, path: string, status: number]>([
    ['POST', '/api/things/1', 403],
    ['POST', '/api/things/1?x=y', 403],
    ['POST', '/api/things/%31', 403],
    ['GET', '/api/things/1', 200],
  ])('%s %s of a client whose addresses cover POST /api/things/* → %i', async (method, path, status) => {
    const claim = { allow: ['192.0.2.1/32'], endpoints: ['POST /api/things/*'] }
    const token = await issuer.sign({ [networkClaim]: claim })
    const answer = await call(url + path, ['authorization', `Bearer ${token}`], method)
    expect(answer.status).toBe(status)
    if (status === 403) expect(answer.json).toMatchObject({ code: 'address_not_allowed', address: '127.0.0.1' })
  })
})
