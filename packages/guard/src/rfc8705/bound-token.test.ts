// oxlint-disable-next-line import/no-unassigned-import -- @peculiar/x509 wants it loaded first, for what it adds to globals
import 'reflect-metadata'
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, RequestListener, Server } from 'node:http'
import { createServer as createTlsServer, request as sendOverTls } from 'node:https'
import type { AddressInfo } from 'node:net'
import { serve as serveHono } from '@hono/node-server'
import * as x509 from '@peculiar/x509'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { guardedRoutes } from '../express.ts'
import { fastifyGuard } from '../fastify.ts'
import { createGuard, type Guard } from '../guard.ts'
import { honoGuard, needs } from '../hono.ts'
import { protect } from '../node.ts'
import type { GuardEvent } from '../events.ts'
import type { GuardOptions } from '../options.ts'
import { audience, call, readScope, startProtectedApi, stop } from '../protected-api.test.support.ts'
import { startTestIssuer, type TestIssuer } from '../testing.ts'

/* RFC 8705 §3: a token that is bound to a certificate is worth nothing without it. */

interface Identity {
  readonly cert: string
  readonly key: string
}

const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** Nobody's but its own: what matters is that it is this one. */
async function makeIdentity(): Promise<Identity> {
  const keys = await crypto.subtle.generateKey(p256, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=localhost',
    keys,
    signingAlgorithm: p256,
    notAfter: new Date('2100-01-01'),
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])],
  })
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey))
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' })
  return { cert: certificate.toString('pem'), key }
}

function derOf({ cert }: Identity): Buffer {
  return new X509Certificate(cert).raw
}

function boundTo(identity: Identity): { cnf: { 'x5t#S256': string } } {
  return { cnf: { 'x5t#S256': createHash('sha256').update(derOf(identity)).digest('base64url') } }
}

let own: Identity
let other: Identity
let server: Identity
let issuer: TestIssuer

beforeAll(async () => {
  ;[own, other, server] = await Promise.all([makeIdentity(), makeIdentity(), makeIdentity()])
  issuer = await startTestIssuer({ audience, scope: readScope })
})
afterAll(() => issuer.close())

describe.each(['node', 'fastify', 'express', 'hono'] as const)('on a TLS connection, with %s (§3)', (framework) => {
  let guard: Guard
  let api: { readonly url: string; close(): Promise<void> }
  const events: GuardEvent[] = []
  beforeAll(async () => {
    const onEvent = (event: GuardEvent): void => void events.push(event)
    guard = createGuard({ issuer: issuer.issuer, audience, resourceServer: 'configurations', onEvent })
    api = await starters[framework](guard)
  })
  afterAll(async () => {
    await api.close()
    await guard.close()
  })

  async function ask(token: string, identity?: Identity): Promise<unknown[]> {
    events.length = 0
    const sent = sendOverTls(api.url, {
      headers: { authorization: `Bearer ${token}` },
      ca: server.cert,
      agent: false,
      ...identity,
    })
    sent.end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    await response.toArray()
    return [response.statusCode, ...events.flatMap((event) => (event.type === 'request.refused' ? [event.reason] : []))]
  }

  test('with its certificate it is taken; with another one, or none, it is not', async () => {
    const token = await issuer.sign(boundTo(own))
    expect(await ask(token, own)).toEqual([200])
    expect(await ask(token, other)).toEqual([401, 'certificate.mismatch'])
    expect(await ask(token)).toEqual([401, 'certificate.missing'])
  })

  test('a token that is bound to nothing is taken with any certificate, and with none', async () => {
    const token = await issuer.sign()
    for (const identity of [own, other, undefined]) expect(await ask(token, identity)).toEqual([200])
  })

  test('what a handler does to its access leaves the token bound, and changes nothing for the next call', async () => {
    const requirement = guard.declare({ scopes: [readScope] })
    const token = await issuer.sign({ aud: [audience, 'https://other.example'], ...boundTo(own) })
    const verify = (certificate: Uint8Array | undefined) =>
      guard.verify(
        { authorization: [`Bearer ${token}`], connection: { address: '127.0.0.1', certificate } },
        requirement,
      )
    const untouched = await verify(derOf(own))
    const verdict = await verify(derOf(own))
    // As code does that takes out what it does not want to write down.
    const { claims, credentials, scopes } = verdict.ok ? verdict.access : expect.unreachable()
    for (const part of [claims.cnf, claims.aud, claims, credentials] as Record<string, unknown>[]) {
      for (const name of Object.keys(part)) delete part[name]
    }
    ;(scopes as Set<string>).clear()
    expect(await verify(undefined)).toMatchObject({ ok: false, refusal: { reason: 'certificate.missing' } })
    expect(await verify(derOf(own))).toEqual(untouched)
  })

  test('a binding that cannot be checked is refused, whatever certificate comes', async () => {
    const { cnf } = boundTo(own)
    for (const unknown of [{ ...cnf, jkt: 'x' }, { jkt: cnf['x5t#S256'] }, { 'x5t#S256': 'x' }]) {
      expect(await ask(await issuer.sign({ cnf: unknown }), own)).toEqual([401, 'token.bound'])
    }
  })
})

/** A server that takes any certificate, as the guard's documentation says. */
function overTls(listener: RequestListener): Promise<{ readonly url: string; close(): Promise<void> }> {
  const secure = createTlsServer({ ...server, requestCert: true, rejectUnauthorized: false }, listener)
  return opened(secure.listen(0, '127.0.0.1'))
}

async function opened(secure: Server): Promise<{ readonly url: string; close(): Promise<void> }> {
  if (!secure.listening) await once(secure, 'listening')
  const { port } = secure.address() as AddressInfo
  return { url: `https://127.0.0.1:${port}/`, close: () => stop(secure) }
}

const starters = {
  node: (guard: Guard) =>
    overTls((request, response) => {
      void protect(guard, { scopes: [readScope] }, (_request, answer) => void answer.end('{}'))(request, response)
    }),
  async fastify(guard: Guard) {
    const app = fastify({ https: { ...server, requestCert: true, rejectUnauthorized: false } })
    await app.register(fastifyGuard, { guard })
    app.get('/', { config: { guard: { scopes: [readScope] } } }, () => ({}))
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    return { url: `https://127.0.0.1:${port}/`, close: () => app.close() as unknown as Promise<void> }
  },
  express(guard: Guard) {
    const routes = guardedRoutes(guard)
    routes.needs({ scopes: [readScope] }).get('/', (_request: unknown, response: { json(body: unknown): void }) => {
      response.json({})
    })
    const app = express()
    app.use(routes.handler)
    return overTls(app)
  },
  hono(guard: Guard) {
    const app = new Hono()
    app.use(honoGuard(guard))
    app.get('/', needs(guard, { scopes: [readScope] }), (c) => c.json({}))
    const serverOptions = { ...server, requestCert: true, rejectUnauthorized: false }
    const secure = serveHono({
      fetch: app.fetch,
      port: 0,
      hostname: '127.0.0.1',
      createServer: createTlsServer,
      serverOptions,
    })
    return opened(secure as Server)
  },
}

describe('behind a proxy that ends TLS', () => {
  const spellings = {
    'client-cert': (der: Buffer) => `:${der.toString('base64')}:`,
    'x-ssl-client-cert': (der: Buffer) => encodeURIComponent(new X509Certificate(der).toString()),
    'x-ssl-client-der': (der: Buffer) => der.toString('base64'),
  } as const
  type Header = keyof typeof spellings
  const headers = Object.keys(spellings) as Header[]

  async function outcome(options: Partial<GuardOptions>, lines: readonly string[]): Promise<unknown[]> {
    await using api = await startProtectedApi(options)
    const token = await api.issuer.sign(boundTo(own))
    const { status } = await call(`${api.url}/`, ['authorization', `Bearer ${token}`, ...lines])
    return [status, ...api.refusals]
  }
  const from = (network: string, header: Header): Partial<GuardOptions> => ({
    proxies: [{ networks: [network], addressHeader: 'x-forwarded-for', certificateHeader: header }],
  })

  test.each(headers)('%s: its own certificate, another, none, twice, malformed', async (header) => {
    const write = spellings[header]
    const believed = from('127.0.0.0/8', header)
    expect(await outcome(believed, [header, write(derOf(own))])).toEqual([200])
    expect(await outcome(believed, [header.toUpperCase(), write(derOf(own))])).toEqual([200])
    expect(await outcome(believed, [header, write(derOf(other))])).toEqual([401, 'certificate.mismatch'])
    expect(await outcome(believed, [])).toEqual([401, 'certificate.missing'])
    const twice = [header, write(derOf(own)), header, write(derOf(own))]
    expect(await outcome(believed, twice)).toEqual([401, 'certificate.missing'])
    expect(await outcome(believed, [header, `${write(derOf(own))}, x`])).toEqual([401, 'certificate.missing'])
    expect(await outcome(believed, [header, ''])).toEqual([401, 'certificate.missing'])
  })

  test.each(headers)('%s is not believed from anybody else, nor in a way that was not configured', async (header) => {
    const line = [header, spellings[header](derOf(own))]
    expect(await outcome({}, line)).toEqual([401, 'certificate.missing'])
    expect(await outcome(from('10.0.0.0/8', header), line)).toEqual([401, 'certificate.missing'])
    for (const another of headers.filter((name) => name !== header)) {
      expect(await outcome(from('127.0.0.0/8', another), line)).toEqual([401, 'certificate.missing'])
    }
    for (const spelling of [header.replaceAll('-', '_'), `x-${header}`, `${header}-chain`]) {
      expect(await outcome(from('127.0.0.0/8', header), [spelling, line[1] ?? ''])).toEqual([
        401,
        'certificate.missing',
      ])
    }
  })

  test('a wrong spelling of each kind says nothing', async () => {
    const der = derOf(own)
    const base64 = der.toString('base64')
    const wrong: readonly (readonly [Header, string])[] = [
      ['client-cert', base64],
      ['client-cert', `:${base64}`],
      ['client-cert', `:${base64}:;p=1`],
      ['client-cert', `:${der.toString('base64url')}:`],
      ['client-cert', '::'],
      ['x-ssl-client-cert', base64],
      ['x-ssl-client-cert', `${encodeURIComponent(own.cert)}${encodeURIComponent(other.cert)}`],
      ['x-ssl-client-cert', '%zz'],
      ['x-ssl-client-der', `:${base64}:`],
      ['x-ssl-client-der', `${base64}!`],
      ['x-ssl-client-der', 'A'.repeat(20_000)],
    ]
    for (const [header, value] of wrong) {
      const answered = await outcome(from('127.0.0.0/8', header), [header, value])
      // A header section beyond node:http's limit does not get as far.
      expect([header, value.slice(0, 20), ...answered]).toEqual([
        header,
        value.slice(0, 20),
        ...(value.length > 16_384 ? [431] : [401, 'certificate.missing']),
      ])
    }
  })

  test('the proxy’s own certificate is never taken for the caller’s', async () => {
    const guard = createGuard({
      issuer: issuer.issuer,
      audience,
      resourceServer: 'configurations',
      ...from('127.0.0.0/8', 'client-cert'),
    })
    const api = await starters.node(guard)
    const token = await issuer.sign(boundTo(own))
    const sent = sendOverTls(api.url, { headers: { authorization: `Bearer ${token}` }, ca: server.cert, ...own })
    sent.end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    expect(response.statusCode).toBe(401)
    response.resume()
    await api.close()
    await guard.close()
  })

  test('a proxy that is believed about addresses is not about certificates', async () => {
    const proxies = [{ networks: ['127.0.0.0/8'], addressHeader: 'x-forwarded-for' } as const]
    for (const header of headers) {
      const lines = [header, spellings[header](derOf(own))]
      expect(await outcome({ proxies }, lines)).toEqual([401, 'certificate.missing'])
    }
  })
})
