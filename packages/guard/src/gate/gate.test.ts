import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { networkClaim } from '@latchkey/protocol'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { startGate, type GateOptions, type ProxyKindName, type RunningGate } from '../gate.ts'
import { audience, call, readScope, writeScope, type Answer } from '../protected-api.test.support.ts'
import { startTestIssuer, type TestIssuer } from '../testing.ts'

/* A gate over HTTP, as proxies ask it: their headers are sent by hand here. Real proxies: e2e/src/gate. */

let issuer: TestIssuer
let folder: string
let gate: RunningGate
const lines: Record<string, unknown>[] = []

async function start(options: Partial<GateOptions> = {}): Promise<RunningGate> {
  return startGate({
    issuer: issuer.issuer,
    audience,
    resourceServer: 'configurations',
    credential: issuer.resourceServer.credential,
    proxy: 'nginx',
    // The tests' own address is a proxy's: callers have to be somebody else.
    proxyNetworks: ['127.0.0.1/32'],
    host: '127.0.0.1',
    port: 0,
    adminHost: '127.0.0.1',
    adminPort: 0,
    stateFile: path.join(folder, 'gate.json'),
    maxStalenessSeconds: 3600,
    write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
    ...options,
  })
}

beforeEach(async () => {
  lines.length = 0
  folder = await mkdtemp(path.join(tmpdir(), 'gate-'))
  issuer = await startTestIssuer({ audience, scope: readScope })
  issuer.resourceServer.document = {
    resource_server: 'configurations',
    audience,
    version: 1,
    endpoint_rules: [
      { endpoint: 'GET /things/**', scopes: [readScope] },
      { endpoint: 'POST /things', scopes: [writeScope] },
    ],
  }
  gate = await start()
})
afterEach(async () => {
  await gate.stop(0)
  await issuer.close()
  await rm(folder, { recursive: true })
})

const headers: Readonly<
  Record<Exclude<ProxyKindName, 'envoy'>, readonly [method: string, uri: string, address: string]>
> = {
  nginx: ['X-Original-Method', 'X-Original-URI', 'X-Real-IP'],
  haproxy: ['x-original-method', 'x-original-uri', 'x-real-ip'],
  caddy: ['X-Forwarded-Method', 'X-Forwarded-Uri', 'X-Real-Ip'],
  traefik: ['X-Forwarded-Method', 'X-Forwarded-Uri', 'X-Forwarded-For'],
}

interface Asked {
  readonly method?: string
  readonly target?: string
  readonly address?: string
  readonly token?: string
  readonly more?: readonly string[]
}

function ask(asked: Asked, kind: ProxyKindName = 'nginx', url = gate.url): Promise<Answer> {
  const { method = 'GET', target = '/things/1', address = '203.0.113.7', token, more = [] } = asked
  const authorization = token === undefined ? [] : ['authorization', `Bearer ${token}`]
  if (kind === 'envoy') {
    return call(`${url}/check${target}`, ['x-forwarded-for', address, ...authorization, ...more], method)
  }
  const [methodHeader, targetHeader, addressHeader] = headers[kind]
  const told = [methodHeader, method, targetHeader, target, addressHeader, address]
  return call(`${url}/check`, [...told, ...authorization, ...more])
}

const identity = ['x-request-id', 'client-id', 'scopes', 'token-id', 'address', 'certificate', 'code', 'problem'].map(
  (name) => (name === 'x-request-id' ? name : `x-latchkey-${name}`),
)

describe.each(['nginx', 'haproxy', 'caddy', 'traefik', 'envoy'] as const)('%s asks', (kind) => {
  let one: RunningGate
  beforeEach(async () => {
    one = await start({ proxy: kind, stateFile: path.join(folder, 'other.json') })
  })
  afterEach(() => one.stop(0))

  test('a good token passes, and every header is there', async () => {
    const token = await issuer.sign({ [networkClaim]: { allow: ['203.0.113.7/32'] } })
    const answer = await ask({ token, target: '/things/1?x=y' }, kind, one.url)
    expect(answer.status).toBe(200)
    expect(answer.headers).toMatchObject({
      'x-latchkey-client-id': 'test-client',
      'x-latchkey-scopes': readScope,
      'x-latchkey-address': '203.0.113.7',
      'x-latchkey-certificate': '',
      'x-latchkey-code': '',
      'x-latchkey-problem': '',
      'cache-control': 'no-store',
    })
    for (const name of identity) expect(answer.headers).toHaveProperty(name)
  })

  test.each<[what: string, asked: Asked, status: number, code: string]>([
    ['another method', { method: 'POST' }, 403, 'endpoint_not_allowed'],
    ['a scope that is missing', { method: 'POST', target: '/things' }, 403, 'insufficient_scope'],
    ['another path', { target: '/other' }, 403, 'endpoint_not_allowed'],
    ['a path in two ways', { target: '/things//1' }, 400, 'ambiguous_path'],
    ['another address', { address: '203.0.113.8' }, 403, 'address_not_allowed'],
    ['an address that is none', { address: 'unknown' }, 403, 'address_not_allowed'],
  ])('%s is refused, and every header is there', async (_, asked, status, code) => {
    const token = await issuer.sign({ [networkClaim]: { allow: ['203.0.113.7/32'] } })
    const answer = await ask({ token, ...asked }, kind, one.url)
    expect(answer.status).toBe(status)
    expect(answer.headers).toMatchObject({
      'x-latchkey-code': code,
      'x-latchkey-client-id': '',
      'x-latchkey-scopes': '',
    })
    expect(JSON.parse(answer.headers['x-latchkey-problem'] as string)).toEqual(answer.json)
    for (const name of identity) expect(answer.headers).toHaveProperty(name)
  })

  test('a stranger is challenged', async () => {
    const answer = await ask({}, kind, one.url)
    expect([answer.status, answer.headers['x-latchkey-code']]).toEqual([401, 'missing_token'])
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer /)
  })

  test.each<[what: string, more: string[], except?: ProxyKindName[]]>([
    [
      'another header of the address',
      ['Forwarded', 'for=192.0.2.1', 'True-Client-IP', '192.0.2.1', 'Client-IP', '192.0.2.1'],
    ],
    [
      'another header of method and path',
      ['X-Rewrite-URL', '/things/1', 'X-HTTP-Method-Override', 'GET', 'X-Original-URL', '/'],
    ],
  ])('%s says nothing', async (_, more) => {
    const token = await issuer.sign({ [networkClaim]: { allow: ['192.0.2.1/32'] } })
    expect((await ask({ token, more }, kind, one.url)).headers['x-latchkey-code']).toBe('address_not_allowed')
    const plain = await issuer.sign()
    expect((await ask({ token: plain, target: '/other', more }, kind, one.url)).status).toBe(403)
  })
})

describe('what a proxy says', () => {
  test.each<[what: string, lines: string[], code: string]>([
    ['no method', ['X-Original-URI', '/things/1', 'X-Real-IP', '203.0.113.7'], 'ambiguous_path'],
    ['no path', ['X-Original-Method', 'GET', 'X-Real-IP', '203.0.113.7'], 'ambiguous_path'],
    [
      'a method twice',
      ['X-Original-Method', 'GET', 'X-Original-Method', 'GET', 'X-Original-URI', '/things/1'],
      'ambiguous_path',
    ],
    [
      'a path twice',
      ['X-Original-Method', 'GET', 'X-Original-URI', '/things/1', 'x-original-uri', '/'],
      'ambiguous_path',
    ],
    ['another kind’s headers', ['X-Forwarded-Method', 'GET', 'X-Forwarded-Uri', '/things/1'], 'ambiguous_path'],
  ])('%s → refused', async (_, told, code) => {
    const authorization = ['authorization', `Bearer ${await issuer.sign()}`]
    const answer = await call(`${gate.url}/check`, [...told, ...authorization])
    expect([answer.status, answer.headers['x-latchkey-code']]).toEqual([400, code])
  })

  test('an address that is missing, or comes twice, is unknown: a policy lets nothing through', async () => {
    const token = await issuer.sign({ [networkClaim]: { allow: ['0.0.0.0/0', '::/0'] } })
    const told = ['X-Original-Method', 'GET', 'X-Original-URI', '/things/1', 'authorization', `Bearer ${token}`]
    for (const more of [[], ['X-Real-IP', '203.0.113.7', 'X-Real-IP', '203.0.113.7'], ['X-Real-IP', '127.0.0.1']]) {
      const answer = await call(`${gate.url}/check`, [...told, ...more])
      expect([answer.status, answer.headers['x-latchkey-code']]).toEqual([403, 'address_not_allowed'])
    }
  })

  test('nobody else is answered', async () => {
    const other = await start({
      proxyNetworks: ['127.0.0.2', '10.0.0.0/8'],
      stateFile: path.join(folder, 'other.json'),
    })
    const answer = await ask({ token: await issuer.sign() }, 'nginx', other.url)
    expect([answer.status, answer.headers['x-latchkey-code']]).toEqual([403, 'not_the_proxy'])
    await other.stop(0)
  })

  test('another path is none to ask at', async () => {
    for (const place of ['/', '/checks', '/check/', '/metrics', '/healthz', '/readyz']) {
      expect((await call(gate.url + place)).status).toBe(404)
    }
  })

  test('its id of the request is kept if it is one', async () => {
    const token = await issuer.sign()
    expect((await ask({ token, more: ['X-Request-Id', 'abc-1'] })).headers['x-request-id']).toBe('abc-1')
    expect((await ask({ token, more: ['X-Request-Id', 'a"b c'] })).headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
  })
})

describe('certificates', () => {
  const [own, foreign] = ['own', 'foreign'].map((text) => Buffer.from(`the certificate is ${text}`))
  const thumbprint = createHash('sha256')
    .update(own ?? '')
    .digest('base64url')
  const pem = (der: Buffer | undefined) =>
    encodeURIComponent(`-----BEGIN CERTIFICATE-----\n${der?.toString('base64')}\n-----END CERTIFICATE-----\n`)
  const bound = () => issuer.sign({ cnf: { 'x5t#S256': thumbprint } })

  test('a bound token passes with its certificate, as the proxy tells of it, and the API is told which', async () => {
    const answer = await ask({ token: await bound(), more: ['X-SSL-Client-Cert', pem(own)] })
    expect([answer.status, answer.headers['x-latchkey-certificate']]).toEqual([200, thumbprint])
  })

  test.each<[what: string, more: string[]]>([
    ['none', []],
    ['nothing', ['X-SSL-Client-Cert', '']],
    ['another', ['X-SSL-Client-Cert', pem(foreign)]],
    ['it twice', ['X-SSL-Client-Cert', pem(own), 'X-SSL-Client-Cert', pem(own)]],
    ['it in another kind’s header', ['X-SSL-Client-DER', own?.toString('base64') ?? '']],
  ])('with %s it is refused', async (_, more) => {
    const answer = await ask({ token: await bound(), more })
    expect([answer.status, answer.headers['x-latchkey-code']]).toEqual([401, 'invalid_token'])
  })

  test('a kind that cannot tell of one refuses bound tokens', async () => {
    const other = await start({ proxy: 'traefik', stateFile: path.join(folder, 'other.json') })
    const answer = await ask({ token: await bound(), more: ['X-SSL-Client-Cert', pem(own)] }, 'traefik', other.url)
    expect(answer.status).toBe(401)
    await other.stop(0)
  })

  test('remembered or not, it is asked for each time', async () => {
    const token = await bound()
    expect((await ask({ token, more: ['X-SSL-Client-Cert', pem(own)] })).status).toBe(200)
    expect((await ask({ token })).status).toBe(401)
    expect((await ask({ token, more: ['X-SSL-Client-Cert', pem(own)] })).status).toBe(200)
  })
})

describe('repeated tokens', () => {
  test('a signature is verified once, and everything else each time', async () => {
    const token = await issuer.sign()
    for (let i = 0; i < 3; i++) expect((await ask({ token })).status).toBe(200)
    expect((await ask({ token, target: '/other' })).status).toBe(403)
    issuer.revokeToken(token)
    await vi.waitFor(async () => expect((await ask({ token })).status).toBe(401))
  })

  test('its time is judged each time', async () => {
    let nowMs = Date.now()
    const other = await start({ now: () => nowMs, stateFile: path.join(folder, 'other.json') })
    const token = await issuer.sign({ exp: Math.floor(nowMs / 1000) + 30 })
    expect((await ask({ token }, 'nginx', other.url)).status).toBe(200)
    nowMs += 100_000
    expect((await ask({ token }, 'nginx', other.url)).status).toBe(401)
    expect(lines.at(-1)).toMatchObject({ reason: 'token.expired' })
    await other.stop(0)
  })

  test('and so is its address', async () => {
    const token = await issuer.sign({ [networkClaim]: { allow: ['203.0.113.7/32'] } })
    for (const [address, status] of [['203.0.113.7', 200] as const, ['203.0.113.8', 403] as const]) {
      expect((await ask({ token, address })).status).toBe(status)
    }
  })

  test('another signature under the same claims is another token', async () => {
    const token = await issuer.sign()
    expect((await ask({ token })).status).toBe(200)
    const [head, body] = token.split('.')
    const [, , signature] = (await issuer.sign()).split('.')
    expect((await ask({ token: `${head}.${body}.${signature}` })).status).toBe(401)
    expect((await ask({ token })).status).toBe(200)
  })

  test('under a key that was replaced, it is not remembered', async () => {
    const token = await issuer.sign()
    expect((await ask({ token })).status).toBe(200)
    await issuer.revokeKey()
    await vi.waitFor(async () => expect((await ask({ token })).status).toBe(401))
  })
})

describe('beside decisions', () => {
  test('ready once it can decide, and not while it cannot', async () => {
    await vi.waitFor(async () => expect((await call(`${gate.adminUrl}/readyz`)).status).toBe(200))
    expect((await call(`${gate.adminUrl}/healthz`)).status).toBe(200)
    issuer.intercept = (_request, response) => void response.destroy()
    const cut = await start({ stateFile: path.join(folder, 'other.json') })
    const { status, json } = await call(`${cut.adminUrl}/readyz`)
    expect([status, json]).toEqual([503, { status: 'waiting', missing: ['keys', 'revocations', 'rules'] }])
    expect((await ask({ token: await issuer.sign() }, 'nginx', cut.url)).status).toBe(503)
    await cut.stop(0)
  })

  test('told to stop, it is not ready and still answers', async () => {
    const token = await issuer.sign()
    const other = await start({ stateFile: path.join(folder, 'other.json') })
    expect((await ask({ token }, 'nginx', other.url)).status).toBe(200)
    const stopped = other.stop(300)
    expect((await call(`${other.adminUrl}/readyz`)).json).toMatchObject({ status: 'stopping' })
    const answer = await ask({ token }, 'nginx', other.url)
    expect([answer.status, answer.headers['connection']]).toEqual([200, 'close'])
    await stopped
    await expect(call(other.url)).rejects.toThrow('ECONNREFUSED')
  })

  test('metrics count by reason, and nothing that a caller can make up', async () => {
    await ask({ token: await issuer.sign() })
    await ask({ target: '/made-up' })
    await ask({ target: '/made-up', token: await issuer.sign() })
    await ask({ token: await issuer.sign({ [networkClaim]: { allow: [], report_only: true } }) })
    const { text } = await call(`${gate.adminUrl}/metrics`)
    expect(text).toContain('latchkey_gate_decisions_total{outcome="allowed",reason=""} 2\n')
    expect(text).toContain('latchkey_gate_reported_total{reason="network.address_not_allowed"} 1\n')
    expect(text).toContain('latchkey_gate_decisions_total{outcome="refused",reason="token.missing"} 1\n')
    expect(text).toContain('latchkey_gate_decisions_total{outcome="refused",reason="route.no_rule"} 1\n')
    expect(text).toContain('latchkey_gate_decision_seconds_count 4\n')
    expect(text).toContain('latchkey_gate_known{what="rules"} 1\n')
    expect(text).not.toContain('made-up')
  })

  test('a refusal is one line with request id, client and reason; never a token', async () => {
    const token = await issuer.sign({ [networkClaim]: { allow: ['192.0.2.1/32'] } })
    const answer = await ask({ token, target: '/things/1?key=secret' })
    expect(lines.filter(({ msg }) => msg === 'refused')).toEqual([
      {
        level: 'warn',
        time: expect.any(String) as string,
        msg: 'refused',
        request_id: answer.headers['x-request-id'],
        client_id: 'test-client',
        reason: 'network.address_not_allowed',
        status: 403,
        address: '203.0.113.7',
      },
    ])
    expect(JSON.stringify(lines)).not.toMatch(/secret|eyJ/)
  })

  test('strangers cannot fill the log, nor keep known clients out of it', async () => {
    for (let i = 0; i < 300; i++) await ask({})
    await ask({ token: await issuer.sign(), target: '/other' })
    const refused = lines.filter(({ msg }) => msg === 'refused')
    const strangers = refused.filter(({ client_id: id }) => id === undefined).length
    expect(strangers).toBeGreaterThanOrEqual(100)
    expect(strangers).toBeLessThan(300)
    expect(refused.at(-1)).toMatchObject({ client_id: 'test-client', reason: 'route.no_rule' })
    await gate.stop(0)
    expect(lines).toContainEqual(
      expect.objectContaining({ msg: 'refusals left out of this log', count: 300 - strangers }) as object,
    )
    gate = await start()
  })

  test('nor can a policy that only reports, of a client that comes from elsewhere all day', async () => {
    const token = await issuer.sign({ [networkClaim]: { allow: ['192.0.2.0/24'], report_only: true } })
    await Promise.all(Array.from({ length: 300 }, () => ask({ token })))
    const reported = lines.filter(({ msg }) => msg === 'request.reported').length
    expect(reported).toBeGreaterThanOrEqual(100)
    expect(reported).toBeLessThan(200)
    await ask({ target: '/nowhere', token })
    expect(lines.at(-1)).toMatchObject({ msg: 'refused', reason: 'route.no_rule' })
    await gate.stop(0)
    const count = 301 - lines.filter(({ msg }) => msg === 'request.reported').length
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'reports left out of this log', count }) as object)
  })

  test('what is not as it must be is refused at the start', async () => {
    await expect(start({ issuer: 'http://issuer.example.com' })).rejects.toThrow(/issuer/)
    await expect(start({ proxyNetworks: [] })).rejects.toThrow(/no proxy network/)
    await expect(start({ proxyNetworks: ['10.0.0.0/33'] })).rejects.toThrow(/10\.0\.0\.0\/33/)
    await expect(start({ port: Number(new URL(gate.url).port) })).rejects.toThrow('EADDRINUSE')
  })
})
