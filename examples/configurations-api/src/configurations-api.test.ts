import { startTestIssuer, type TestIssuer } from '@latchkey/guard/testing'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { startConfigurationsApi, type RunningConfigurationsApi } from './start-configurations-api.ts'

const audience = 'https://configurations.example.com'
const readScope = 'configurations/configurations.read'
const writeScope = 'configurations/configurations.write'

let issuer: TestIssuer
let folder: string
let api: RunningConfigurationsApi

beforeAll(async () => {
  issuer = await startTestIssuer({ audience, scope: `${readScope} ${writeScope}` })
})
afterAll(() => issuer.close())
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'configurations-'))
  api = await start()
})
afterEach(async () => {
  await api.close()
  await rm(folder, { recursive: true })
})

function start(port = 0): Promise<RunningConfigurationsApi> {
  const databasePath = join(folder, 'api.sqlite')
  return startConfigurationsApi({ host: '127.0.0.1', port, databasePath, issuer: issuer.issuer, audience })
}

interface Call {
  readonly method?: string
  readonly body?: unknown
  readonly headers?: Record<string, string>
  readonly token?: string
}

interface Answer {
  readonly status: number
  readonly headers: Headers
  // oxlint-disable-next-line typescript/no-explicit-any -- whatever the API says; every test compares it.
  readonly json: any
}

async function call(path: string, { method, body, headers, token }: Call = {}): Promise<Answer> {
  const response = await fetch(api.url + path, {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      authorization: `Bearer ${token ?? (await issuer.sign())}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, json: text === '' ? undefined : JSON.parse(text) }
}

const input = { product: 'kettle', name: 'kitchen', options: { litres: 1.7, colour: 'red', whistles: true } }

describe('access', () => {
  const id = '3d7a1c52-1f53-4c5c-9a7e-6a4f5d1f0c11'
  test.each([
    ['GET', '/configurations', readScope, writeScope],
    ['GET', `/configurations/${id}`, readScope, writeScope],
    ['POST', '/configurations', writeScope, readScope],
    ['PUT', `/configurations/${id}`, writeScope, readScope],
    ['DELETE', `/configurations/${id}`, writeScope, readScope],
  ])('%s %s needs %s', async (method, path, scope, otherScope) => {
    const withScope = async (granted: string): Promise<number> =>
      (await call(path, { method, token: await issuer.sign({ scope: granted }) })).status
    expect((await fetch(api.url + path, { method })).status).toBe(401)
    expect(await withScope(otherScope)).toBe(403)
    expect([200, 400, 404]).toContain(await withScope(scope))
  })

  test('/healthz is public; nothing else answers without a token', async () => {
    expect(await (await fetch(`${api.url}/healthz`)).json()).toEqual({ status: 'ok' })
    expect((await fetch(`${api.url}/configurations`)).status).toBe(401)
    expect((await fetch(`${api.url}/nowhere`)).status).toBe(404)
  })

  test('RFC 9728 metadata, at the public URL if there is one', async () => {
    const metadata = await fetch(`${api.url}/.well-known/oauth-protected-resource`)
    expect(await metadata.json()).toEqual({
      resource: audience,
      authorization_servers: [issuer.issuer],
      scopes_supported: [readScope, writeScope],
      bearer_methods_supported: ['header'],
    })
    const options = { host: '127.0.0.1', port: 0, databasePath: ':memory:', issuer: issuer.issuer, audience }
    const other = await startConfigurationsApi({ ...options, publicUrl: 'http://127.0.0.1:8402' })
    const challenge = (await fetch(`${other.url}/configurations`)).headers.get('www-authenticate')
    await other.close()
    expect(challenge).toContain('resource_metadata="http://127.0.0.1:8402/.well-known/oauth-protected-resource"')
  })
})

describe('list', () => {
  test('a fresh database shows three samples', async () => {
    const { status, json } = await call('/configurations')
    expect(status).toBe(200)
    expect(json.items.map((item: typeof input) => `${item.product}/${item.name}`)).toEqual([
      'espresso-machine/office',
      'espresso-machine/bar',
      'grinder/filter-coffee',
    ])
    expect(json.next_cursor).toBeUndefined()
  })

  test('pages, each beginning after the last', async () => {
    const first = await call('/configurations?limit=2')
    expect(first.json.items.length).toBe(2)
    const second = await call(`/configurations?limit=2&cursor=${first.json.next_cursor}`)
    expect(second.json.items.map((item: typeof input) => item.name)).toEqual(['filter-coffee'])
    expect(second.json.next_cursor).toBeUndefined()
  })

  test('filter by product', async () => {
    expect((await call('/configurations?product=grinder')).json.items.length).toBe(1)
    expect((await call('/configurations?product=grind')).json.items.length).toBe(0)
    const page = await call('/configurations?product=espresso-machine&limit=1')
    const next = await call(`/configurations?product=espresso-machine&limit=1&cursor=${page.json.next_cursor}`)
    expect(next.json.items.map((item: typeof input) => item.name)).toEqual(['bar'])
  })

  test.each([
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=', 'limit'],
    ['limit=1e1', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['cursor=x', 'cursor'],
    ['cursor=', 'cursor'],
    ['product=', 'product'],
    ['products=grinder', 'products'],
  ])('%s → 400 that names %s', async (query, field) => {
    const { status, headers, json } = await call(`/configurations?${query}`)
    expect([status, headers.get('content-type')]).toEqual([400, 'application/problem+json'])
    expect(json).toMatchObject({ status: 400, code: 'invalid_request', title: 'Bad Request' })
    expect(json.detail).toContain(field)
  })
})

describe('create and read', () => {
  test('201 with Location and ETag; what was written is read back', async () => {
    const created = await call('/configurations', { body: input })
    expect(created.status).toBe(201)
    expect(created.json).toMatchObject({ ...input, revision: 1 })
    expect(created.headers.get('location')).toBe(`/configurations/${created.json.id}`)
    const found = await call(`/configurations/${created.json.id}`)
    expect([found.status, found.headers.get('etag')]).toEqual([200, '"1"'])
    expect(found.json).toEqual(created.json)
  })

  test('409 when the product has one of that name', async () => {
    await call('/configurations', { body: input })
    const again = await call('/configurations', { body: { ...input, options: {} } })
    expect([again.status, again.json.code]).toEqual([409, 'name_taken'])
    expect((await call('/configurations', { body: { ...input, name: 'bath' } })).status).toBe(201)
  })

  test.each([
    ['an unknown field', { ...input, colour: 'red' }, 'colour'],
    ['a field that only the server writes', { ...input, revision: 7 }, 'revision'],
    ['no name', { ...input, name: undefined }, 'name'],
    ['an empty product', { ...input, product: '' }, 'product'],
    ['a long name', { ...input, name: 'x'.repeat(201) }, 'name'],
    ['a nested option', { ...input, options: { a: { b: 1 } } }, 'options/a'],
    ['an option that is null', { ...input, options: { a: null } }, 'options/a'],
    ['a long option', { ...input, options: { a: 'x'.repeat(1001) } }, 'options/a'],
    ['an option with a bad name', { ...input, options: { 'a b': 1 } }, 'a b'],
    [
      'too many options',
      { ...input, options: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`o${i}`, i])) },
      'options',
    ],
    ['an array', [], 'expected object'],
    ['no JSON', '{', 'JSON'],
    ['a prototype', '{"__proto__":{}}', 'not valid JSON'],
  ])('%s → 400 that names it', async (_title, body, named) => {
    const { status, json } = await call('/configurations', { body })
    expect([status, json.code]).toEqual([400, 'invalid_request'])
    expect(json.detail).toContain(named)
    expect((await call('/configurations')).json.items.length).toBe(3)
  })

  test('a body over 64 KiB → 413; another media type → 415', async () => {
    const large = await call('/configurations', { body: ' '.repeat(64 * 1024) + JSON.stringify(input) })
    expect([large.status, large.json.code]).toEqual([413, 'too_large'])
    const text = await call('/configurations', { body: input, headers: { 'content-type': 'text/csv' } })
    expect([text.status, text.json.status]).toEqual([415, 415])
  })

  test('an id that nobody has → 404; one that is no UUID → 400', async () => {
    const missing = await call('/configurations/3d7a1c52-1f53-4c5c-9a7e-6a4f5d1f0c11')
    expect([missing.status, missing.json.code]).toEqual([404, 'not_found'])
    expect((await call('/configurations/1')).status).toBe(400)
  })
})

describe('replace and delete', () => {
  let path: string
  beforeEach(async () => {
    path = (await call('/configurations', { body: input })).headers.get('location') ?? ''
  })

  const put = (
    headers: Record<string, string> = {},
    body: unknown = { ...input, options: { litres: 2 } },
  ): Promise<Answer> => call(path, { method: 'PUT', body, headers })

  test('PUT replaces all and raises the revision', async () => {
    const replaced = await put()
    expect([replaced.status, replaced.headers.get('etag')]).toEqual([200, '"2"'])
    expect(replaced.json).toMatchObject({ options: { litres: 2 }, revision: 2 })
    expect((await call(path)).json).toEqual(replaced.json)
  })

  test.each(['"1"', '*', '"0", "1"'])('RFC 9110 §13.1.1 If-Match %s → 200', async (ifMatch) => {
    expect((await put({ 'if-match': ifMatch })).status).toBe(200)
  })

  test.each(['"2"', 'W/"1"', '1', '"1', '""', 'x'])(
    'RFC 9110 §13.1.1 If-Match %s → 412, unchanged',
    async (ifMatch) => {
      const refused = await put({ 'if-match': ifMatch })
      expect([refused.status, refused.json.code]).toEqual([412, 'revision_mismatch'])
      expect((await call(path, { method: 'DELETE', headers: { 'if-match': ifMatch } })).status).toBe(412)
      expect((await call(path)).json).toMatchObject({ ...input, revision: 1 })
    },
  )

  test('of two writers that saw the same revision, one wins', async () => {
    const answers = await Promise.all([put({ 'if-match': '"1"' }), put({ 'if-match': '"1"' })])
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 412]))
  })

  test("PUT with another one's name → 409; with an unknown field → 400; of nothing → 404", async () => {
    expect((await put({}, { product: 'grinder', name: 'filter-coffee', options: {} })).status).toBe(409)
    expect((await put({}, { ...input, id: 'x' })).json.detail).toContain('id')
    path = '/configurations/3d7a1c52-1f53-4c5c-9a7e-6a4f5d1f0c11'
    expect((await put()).status).toBe(404)
  })

  test('DELETE → 204 without a body, then 404', async () => {
    const gone = await call(path, { method: 'DELETE', headers: { 'if-match': '"1"' } })
    expect([gone.status, gone.json]).toEqual([204, undefined])
    expect((await call(path)).status).toBe(404)
    expect((await call(path, { method: 'DELETE' })).status).toBe(404)
  })
})

describe('running', () => {
  test('a restart keeps what was written, and does not bring samples back', async () => {
    for (const { id } of (await call('/configurations')).json.items) {
      await call(`/configurations/${id}`, { method: 'DELETE' })
    }
    const { json } = await call('/configurations', { body: input })
    await api.close()
    // WAL and its index are gone: the file was closed and not dropped.
    expect((await readdir(folder)).toSorted()).toEqual(['api.sqlite', 'api.sqlite.guard.json'])
    api = await start()
    expect((await call('/configurations')).json.items).toEqual([json])
  })

  test('what was revoked ends at the next request or soon after', async () => {
    const token = await issuer.sign()
    expect((await call('/configurations', { token })).status).toBe(200)
    issuer.revokeToken(token)
    await vi.waitFor(async () => expect((await call('/configurations', { token })).status).toBe(401), {
      timeout: 15_000,
    })
    expect((await call('/configurations')).status).toBe(200)
  })

  test('a restart while the issuer is away serves on, and knows what was revoked', async () => {
    const [good, ended] = await Promise.all([issuer.sign(), issuer.sign()])
    issuer.revokeToken(ended)
    expect((await call('/configurations', { token: good })).status).toBe(200)
    await api.close()
    issuer.intercept = ({ socket }) => void socket.destroy()
    try {
      api = await start()
      expect((await call('/configurations', { token: good })).status).toBe(200)
      expect((await call('/configurations', { token: ended })).status).toBe(401)
    } finally {
      issuer.intercept = undefined
    }
  })

  test("a port in use rejects with Node's error and leaves nothing open", async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    await expect(start((taken.address() as AddressInfo).port)).rejects.toMatchObject({ code: 'EADDRINUSE' })
    taken.close()
  })

  test.each([
    [{ issuer: 'http://login.example.com' }, 'issuer'],
    [{ audience: 'configurations' }, 'audience'],
    [{ publicUrl: 'x' }, 'Invalid URL'],
  ])('%j → does not start and says %s', async (wrong, message) => {
    const options = { host: '127.0.0.1', port: 0, databasePath: ':memory:', issuer: issuer.issuer, audience }
    await expect(startConfigurationsApi({ ...options, ...wrong })).rejects.toThrow(message)
  })

  test('close waits for a request under way and not for an idle connection', async () => {
    const agent = new Agent({ keepAlive: true })
    const authorization = `Bearer ${await issuer.sign()}`
    const idle = request(`${api.url}/healthz`, { agent }).end()
    const [idleAnswer] = await once(idle, 'response')
    idleAnswer.resume()
    await once(idleAnswer, 'end')

    const body = JSON.stringify(input)
    const headers = { authorization, 'content-type': 'application/json', 'content-length': body.length }
    const slow = request(`${api.url}/configurations`, {
      method: 'POST',
      agent: new Agent({ keepAlive: true }),
      headers,
    })
    slow.write(body.slice(0, 5))
    // The server has begun with it once another request on a later connection was answered.
    await call('/configurations')
    let closed = false
    const closing = api.close().then(() => (closed = true))
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(closed).toBe(false)
    slow.end(body.slice(5))
    const [answer] = await once(slow, 'response')
    expect(answer.statusCode).toBe(201)
    answer.resume()
    await closing
    await expect(fetch(`${api.url}/healthz`)).rejects.toThrow('fetch failed')
    agent.destroy()
  })
})
