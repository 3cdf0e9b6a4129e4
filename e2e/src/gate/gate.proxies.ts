import { once } from 'node:events'
import { connect } from 'node:http2'
import { connect as connectSocket } from 'node:net'
import { networkClaim } from '@latchkey/protocol'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePorts } from '../latchkey-process.ts'
import { findGateProxies, startGateProxy, type GateProxy } from './gate-proxy.ts'
import { callerAddress, callThrough, readScope, startGateStage, writeScope, type GateStage } from './gate-stage.ts'

/* Real proxies with the configurations of examples/proxies, before an API that believes everybody: what reaches it was let in by the gate. */

const identityHeaders = ['client-id', 'scopes', 'token-id', 'address', 'certificate', 'code', 'problem']

/** A name with each of its dashes as an underscore or not. */
function spellings(name: string): string[] {
  const [first = '', ...parts] = name.split('-')
  return parts.reduce((before, part) => before.flatMap((one) => [`${one}-${part}`, `${one}_${part}`]), [first])
}

describe.each(findGateProxies())('%s', (name, isHere) => {
  let stage: GateStage
  let proxy: GateProxy
  const started: (() => PromiseLike<void>)[] = []
  beforeAll(async () => {
    if (!isHere) return
    const [gatePort = 0, adminPort = 0] = await freePorts(2)
    stage = await startGateStage(name, gatePort, adminPort)
    started.push(() => stage[Symbol.asyncDispose]())
    proxy = await startGateProxy(name, { gate: gatePort, api: stage.api.port })
    started.push(() => proxy.stop())
    await stage.ready()
  })
  afterAll(async () => {
    for (const stop of started.toReversed()) await stop()
  })

  const both = { scope: `${readScope} ${writeScope}` }

  test
    .skipIf(!isHere)
    .each<[method: string, target: string, claims: Readonly<Record<string, unknown>>, status: number, code?: string]>([
      ['GET', '/configurations', {}, 200],
      ['GET', '/configurations/1?x=%2f..%2f', {}, 200],
      ['HEAD', '/configurations', {}, 200],
      ['POST', '/configurations', both, 200],
      ['DELETE', '/configurations/1', { ...both, [networkClaim]: { allow: [`${callerAddress}/32`] } }, 200],
      ['POST', '/configurations', {}, 403, 'insufficient_scope'],
      ['DELETE', '/configurations/1', both, 403, 'address_policy_required'],
      [
        'DELETE',
        '/configurations/1',
        { ...both, [networkClaim]: { allow: ['192.0.2.1/32'] } },
        403,
        'address_not_allowed',
      ],
      ['GET', '/configurations', { [networkClaim]: { allow: ['127.0.0.1/32'] } }, 403, 'address_not_allowed'],
      ['PUT', '/configurations/1', both, 403, 'certificate_required'],
      ['GET', '/other', {}, 403, 'endpoint_not_allowed'],
      ['PATCH', '/configurations', both, 403, 'endpoint_not_allowed'],
      ['GET', '/configurations/../other', {}, 400, 'ambiguous_path'],
      ['GET', '/other/../configurations', {}, 400, 'ambiguous_path'],
      ['GET', '/configurations/%2e%2e/other', {}, 400, 'ambiguous_path'],
      ['GET', '//configurations', {}, 400, 'ambiguous_path'],
      ['GET', '/configurations%2f1', {}, 400, 'ambiguous_path'],
      ['GET', '/configurations/1;x=y', {}, 400, 'ambiguous_path'],
      ['GET', '/configurations/a%5cb', {}, 400, 'ambiguous_path'],
      ['GET', '/configurations/%2561', {}, 400, 'ambiguous_path'],
      ['GET', '/Configurations', {}, 400, 'ambiguous_path'],
      ['GET', '/configurations', { exp: 1 }, 401, 'invalid_token'],
    ])('%s %s %j → %i %s', async (method, target, claims, status, code) => {
    const before = stage.api.received.length
    const token = await stage.issuer.sign(claims)
    const answer = await callThrough(proxy.port, target, { method, token })
    const problem = status === 200 ? {} : (JSON.parse(answer.text) as { readonly code: string })
    expect({ status: answer.status, ...problem }).toMatchObject({ status, ...(code !== undefined && { code }) })
    // The path is read by the API as it was judged: octet by octet.
    const got = stage.api.received.slice(before).map((each) => `${each.method} ${each.url}`)
    expect(got).toEqual(status === 200 ? [`${method} ${target}`] : [])
  })

  test.skipIf(!isHere)('a stranger is challenged, and told nothing else', async () => {
    const before = stage.api.received.length
    for (const target of ['/configurations', '/other', '/configurations/..']) {
      const answer = await callThrough(proxy.port, target)
      expect(answer.status).toBe(401)
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer resource_metadata="[^"]*"$/)
      expect(JSON.parse(answer.text)).toMatchObject({ code: 'missing_token' })
    }
    expect(stage.api.received.length).toBe(before)
  })

  test.skipIf(!isHere)('the caller is told the address as it was seen', async () => {
    const token = await stage.issuer.sign({ [networkClaim]: { allow: ['192.0.2.1/32'] } })
    const answer = await callThrough(proxy.port, '/configurations', { token })
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'address_not_allowed', address: callerAddress })
  })

  test.skipIf(!isHere)('who calls is told to the API, and forged headers are replaced', async () => {
    const token = await stage.issuer.sign()
    const forged = identityHeaders.flatMap((header) => [
      ...spellings(`X-Latchkey-${header}`).flatMap((spelling) => [spelling, 'forged']),
      `x-latchkey-${header}`,
      'forged-twice',
    ])
    const lines = [...forged, 'X-Request-Id', 'forged']
    expect((await callThrough(proxy.port, '/configurations', { token, lines })).status).toBe(200)
    const headers = stage.api.received.at(-1)?.headers ?? {}
    expect(headers).toMatchObject({
      'x-latchkey-client-id': 'test-client',
      'x-latchkey-scopes': readScope,
      'x-latchkey-address': callerAddress,
    })
    expect(headers['x-latchkey-token-id']).toMatch(/^[0-9a-f-]{36}$/)
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{32,36}$/)
    expect(headers['x-latchkey-certificate'] ?? '').toBe('')
    expect(headers['x-latchkey-code'] ?? '').toBe('')
    expect(headers['x-latchkey-problem'] ?? '').toBe('')
    const latchkey = Object.entries(headers).filter(([header]) => header.replaceAll('_', '-').startsWith('x-latchkey'))
    expect(JSON.stringify(latchkey)).not.toContain('forged')
  })

  test.skipIf(!isHere)(
    'a caller cannot have its identity dropped by naming it in Connection (RFC 9110 §7.6.1)',
    async () => {
      const token = await stage.issuer.sign()
      const named = ['X-Request-Id', ...identityHeaders.map((header) => `X-Latchkey-${header}`)].join(', ')
      const lines = ['Connection', `close, ${named}`, 'X-Latchkey_Client-Id', 'forged']
      expect((await callThrough(proxy.port, '/configurations', { token, lines })).status).toBe(200)
      const headers = stage.api.received.at(-1)?.headers
      expect(headers).toMatchObject({ 'x-latchkey-client-id': 'test-client', 'x-latchkey-scopes': readScope })
      expect(headers?.['x-latchkey-token-id']).toMatch(/^[0-9a-f-]{36}$/)
      expect(headers?.['x-request-id']).toMatch(/^[0-9a-f-]{32,36}$/)
      expect(JSON.stringify(headers)).not.toContain('forged')
    },
  )

  test.skipIf(!isHere)('what the gate is told about a call cannot be forged by its caller', async () => {
    const token = await stage.issuer.sign({ [networkClaim]: { allow: ['192.0.2.1/32'] } })
    const elsewhere = ['X-Real-IP', 'X-Forwarded-For', 'Forwarded', 'True-Client-IP', 'CF-Connecting-IP'].flatMap(
      (each) => [each, each === 'Forwarded' ? 'for=192.0.2.1' : '192.0.2.1'],
    )
    const read = ['X-Original-Method', 'GET', 'X-Forwarded-Method', 'GET', 'X-HTTP-Method-Override', 'GET']
    const path = [
      'X-Original-URI',
      '/configurations',
      'X-Forwarded-Uri',
      '/configurations',
      'X-Original-URL',
      '/configurations',
    ]
    const before = stage.api.received.length
    expect((await callThrough(proxy.port, '/configurations', { token, lines: elsewhere })).status).toBe(403)
    const reader = await stage.issuer.sign()
    const lines = [...read, ...path]
    expect((await callThrough(proxy.port, '/configurations', { token: reader, lines, method: 'POST' })).status).toBe(
      403,
    )
    expect((await callThrough(proxy.port, '/other', { token: reader, lines })).status).toBe(403)
    expect((await callThrough(proxy.port, '/_latchkey/check', { token: reader })).status).not.toBe(200)
    expect((await callThrough(proxy.port, '/check', { token: reader })).status).not.toBe(200)
    expect(stage.api.received.length).toBe(before)
  })

  // Of these configurations, only those two take HTTP/2 without TLS.
  const byHttp2: readonly [method: string, target: string, status: number][] = [
    ['GET', '/configurations', 200],
    ['GET', '/configurations/1?x=/../', 200],
    ['GET', '/other', 403],
    ['POST', '/configurations', 403],
    ['GET', '//configurations', 400],
    ['GET', '/configurations/../other', 400],
    ['GET', '/other#/configurations', 400],
    ['GET', 'http://api.example.com/configurations', 400],
    ['GET', 'configurations', 400],
    ['GET', '*', 400],
  ]
  test.skipIf(!isHere).each(['haproxy', 'envoy'].includes(name) ? byHttp2 : [])(
    'by HTTP/2: %s %s → %i',
    async (method, target, status) => {
      const before = stage.api.received.length
      const token = await stage.issuer.sign()
      const { hostname, port } = new URL(proxy.url)
      const session = connect(proxy.url, {
        createConnection: () => connectSocket({ host: hostname, port: Number(port), localAddress: callerAddress }),
      })
      const sent = session.request({
        ':method': method,
        ':path': target,
        authorization: `Bearer ${token}`,
        'x-latchkey-client-id': 'forged',
      })
      const answered = once(sent, 'response').then(([headers]) => (headers as { ':status': number })[':status'])
      // A target that is none ends the connection.
      const closed = once(sent, 'close').then(() => 400)
      const got = await Promise.race([answered, closed]).catch(() => 400)
      session.destroy()
      expect(got).toBe(status)
      const reached = stage.api.received.slice(before).map((each) => `${each.method} ${each.url}`)
      expect(reached).toEqual(status === 200 ? [`${method} ${target}`] : [])
      expect(JSON.stringify(stage.api.received.slice(before))).not.toContain('forged')
    },
  )

  test.skipIf(!isHere)(
    'a target in absolute form (RFC 9112 §3.2.2) reaches the API as the path that was judged, or not at all',
    async () => {
      const before = stage.api.received.length
      const token = await stage.issuer.sign()
      const [good, other] = ['/configurations', '/other'].map((each) => `http://api.example.com${each}`)
      expect((await callThrough(proxy.port, good ?? '', { token })).status).toBe(name === 'haproxy' ? 400 : 200)
      expect((await callThrough(proxy.port, other ?? '', { token })).status).not.toBe(200)
      const reached = stage.api.received.slice(before).map(({ url }) => url)
      expect(reached).toEqual(name === 'haproxy' ? [] : ['/configurations'])
    },
  )

  test.skipIf(!isHere)('a second Authorization line is not chosen from', async () => {
    const [good, bad] = [await stage.issuer.sign(), 'nonsense']
    const before = stage.api.received.length
    for (const [first, second] of [[good, bad] as const, [bad, good] as const]) {
      const lines = ['Authorization', `Bearer ${second}`]
      expect((await callThrough(proxy.port, '/configurations', { token: first, lines })).status).not.toBe(200)
    }
    expect(stage.api.received.length).toBe(before)
  })

  test.skipIf(!isHere)('a revoked token, within a second', async () => {
    const token = await stage.issuer.sign()
    expect((await callThrough(proxy.port, '/configurations', { token })).status).toBe(200)
    stage.issuer.revokeToken(token)
    await vi.waitFor(
      async () => expect((await callThrough(proxy.port, '/configurations', { token })).status).toBe(401),
      { timeout: 1000 },
    )
  })

  test.skipIf(!isHere)('a body reaches the API behind a decision', async () => {
    const token = await stage.issuer.sign(both)
    const answer = await callThrough(proxy.port, '/configurations', { method: 'POST', token, body: '{"a":1}' })
    expect(answer.status).toBe(200)
    expect(stage.api.received.at(-1)?.headers['content-length']).toBe('7')
  })
})
