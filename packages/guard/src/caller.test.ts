import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { serve as serveHono } from '@hono/node-server'
import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'
import { createGuard } from './guard.ts'
import { honoGuard, needs } from './hono.ts'
import type { GuardOptions } from './options.ts'
import { audience, call, readScope, startProtectedApi, stop } from './protected-api.test.support.ts'
import { readRequestFacts } from './request-facts.ts'
import { startTestIssuer } from './testing.ts'

/* Where a call came from, as the API's own code is told. Every spelling of the headers is in protocol's tests. */

const behind = (addressHeader: 'x-forwarded-for' | 'forwarded' | 'x-real-ip', network = '127.0.0.0/8') =>
  ({ proxies: [{ networks: [network], addressHeader }] }) satisfies Partial<GuardOptions>

type Lines = readonly string[]

const rows: readonly (readonly [options: Partial<GuardOptions>, lines: Lines, address: string | undefined])[] = [
  [{}, [], '127.0.0.1'],
  [{}, ['x-forwarded-for', '198.51.100.1', 'forwarded', 'for=198.51.100.1', 'x-real-ip', '198.51.100.1'], '127.0.0.1'],
  [behind('x-forwarded-for', '10.0.0.0/8'), ['x-forwarded-for', '198.51.100.1'], '127.0.0.1'],
  [behind('x-forwarded-for'), ['X-FORWARDED-FOR', '203.0.113.9, 198.51.100.1:80'], '198.51.100.1'],
  [behind('x-forwarded-for'), ['x-forwarded-for', '203.0.113.9', 'x-forwarded-for', '198.51.100.1'], '198.51.100.1'],
  [behind('forwarded'), ['forwarded', 'for=203.0.113.9', 'forwarded', 'for="[2001:db8::1]:80"'], '2001:db8::1'],
  [behind('x-real-ip'), ['x-real-ip', '198.51.100.1', 'x-forwarded-for', '203.0.113.9'], '198.51.100.1'],
  [behind('x-real-ip'), ['x-forwarded-for', '198.51.100.1'], undefined],
  [behind('x-real-ip'), ['x_real_ip', '198.51.100.1'], undefined],
  [behind('x-real-ip'), ['x-real-ip', '198.51.100.1', 'x-real-ip', '198.51.100.1'], undefined],
  [behind('x-forwarded-for'), ['x-forwarded-for', 'unknown'], undefined],
  [behind('x-forwarded-for'), [], undefined],
]

test('what is kept of headers to find it holds no token', () => {
  const headers = ['Authorization', 'Bearer x', 'X-Real-IP', '198.51.100.1', 'cookie', 'x', 'x-real-ip', '203.0.113.9']
  const { authorization, forwarding } = readRequestFacts(headers)
  expect(authorization).toEqual(['Bearer x'])
  expect(forwarding).toEqual({ 'x-real-ip': ['198.51.100.1', '203.0.113.9'] })
})

describe('with node:http', () => {
  test.each(rows)('%j, %j: %s', async (options, lines, address) => {
    await using api = await startProtectedApi(options)
    const answer = await call(`${api.url}/`, ['authorization', `Bearer ${await api.issuer.sign()}`, ...lines])
    expect([answer.status, answer.json.address]).toEqual([200, address])
  })
})

describe('with Hono, which sees lines joined', () => {
  test.each(rows)('%j, %j: %s', async (options, lines, address) => {
    await using issuer = await startTestIssuer({ audience, scope: readScope })
    await using guard = createGuard({ issuer: issuer.issuer, audience, resourceServer: 'configurations', ...options })
    const app = new Hono()
    app.use(honoGuard(guard))
    app.get('/', needs(guard, { scopes: [readScope] }), (c) => c.json({ address: c.var.access.address }))
    const server = serveHono({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
    if (!server.listening) await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const token = await issuer.sign()
    const answer = await call(`http://127.0.0.1:${port}/`, ['authorization', `Bearer ${token}`, ...lines])
    expect([answer.status, answer.json.address]).toEqual([200, address])
    await stop(server as Parameters<typeof stop>[0])
  })

  test('without a connection no address is known, whatever the headers say', async () => {
    await using issuer = await startTestIssuer({ audience, scope: readScope })
    const options = behind('x-forwarded-for')
    await using guard = createGuard({ issuer: issuer.issuer, audience, resourceServer: 'configurations', ...options })
    const app = new Hono()
    app.use(honoGuard(guard))
    app.get('/', needs(guard, { scopes: [readScope] }), (c) => c.json({ address: c.var.access.address ?? null }))
    const headers = { authorization: `Bearer ${await issuer.sign()}`, 'x-forwarded-for': '198.51.100.1' }
    const answer = await app.request('http://api.example.com/', { headers })
    expect(await answer.json()).toEqual({ address: null })
  })
})
