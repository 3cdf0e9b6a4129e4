import { afterAll, beforeAll, expect, test } from 'vitest'
import { call, readScope, startProtectedApi, writeScope, type ProtectedApi } from '../protected-api.test.support.ts'

const resourceMetadata =
  'resource_metadata="https://configurations.example.com/.well-known/oauth-protected-resource/v1"'
let api: ProtectedApi

beforeAll(async () => {
  api = await startProtectedApi()
})
afterAll(() => api[Symbol.asyncDispose]())

test.each(['Bearer', 'bearer', 'BEARER', 'bEaReR'])('§2.1 scheme written %s → 200', async (scheme) => {
  expect((await call(api.url, ['Authorization', `${scheme} ${await api.issuer.sign()}`])).status).toBe(200)
})

test('§2.1 several spaces after the scheme → 200', async () => {
  expect((await call(api.url, ['authorization', `Bearer   ${await api.issuer.sign()}`])).status).toBe(200)
})

test('§3 no credentials → 401 without an error code, with scope and resource_metadata', async () => {
  const answer = await call(api.url)
  expect(answer.status).toBe(401)
  expect(answer.headers['www-authenticate']).toBe(`Bearer scope="${readScope}", ${resourceMetadata}`)
  expect(answer.headers['cache-control']).toBe('no-store')
  expect(answer.headers['content-type']).toBe('application/problem+json')
  expect(answer.json).toEqual({
    title: 'Unauthorized',
    status: 401,
    detail: 'Send an access token: Authorization: Bearer <token>.',
    code: 'missing_token',
  })
  expect(api.refusals.at(-1)).toBe('token.missing')
})

test.each(['Basic YTpi', 'DPoP TOKEN', 'BearerTOKEN', 'Bearerx TOKEN', 'xBearer TOKEN', 'Token TOKEN'])(
  '§3 another scheme, %s → 401 without an error code',
  async (line) => {
    const answer = await call(api.url, ['authorization', line.replace('TOKEN', await api.issuer.sign())])
    expect([answer.status, answer.json['code']]).toEqual([401, 'missing_token'])
    expect(answer.headers['www-authenticate']).not.toContain('error')
    expect(api.refusals.at(-1)).toBe('request.unsupported_scheme')
  },
)

const malformed = [
  '',
  'Bearer',
  'Bearer ',
  'Bearer TOKEN x',
  'Bearer TOKEN, Bearer TOKEN',
  'Bearer "TOKEN"',
  'Bearer\tTOKEN',
  'Bearer TOKEN;',
]
test.each([...malformed, 'Bearer =', 'Bearer TOKEN=x', 'Bearer t\u00f6ken', '(', ', Bearer TOKEN'])(
  '§3.1 malformed %j → 400 invalid_request',
  async (line) => {
    const answer = await call(api.url, ['authorization', line.replaceAll('TOKEN', await api.issuer.sign())])
    expect([answer.status, answer.json['code']]).toEqual([400, 'invalid_request'])
    expect(answer.headers['www-authenticate']).toContain('Bearer error="invalid_request"')
    expect(api.refusals.at(-1)).toBe('request.malformed_authorization')
  },
)

test('§3.1 two Authorization headers, in any order and spelling → 400 invalid_request', async () => {
  const good = `Bearer ${await api.issuer.sign()}`
  for (const [first, second] of [
    [good, good],
    [good, 'Basic YTpi'],
    ['Basic YTpi', good],
    ['', good],
    [good, ''],
  ] as const) {
    const answer = await call(api.url, ['Authorization', first, 'x-other', '1', 'AUTHORIZATION', second])
    expect([answer.status, answer.json['code']]).toEqual([400, 'invalid_request'])
    expect(api.refusals.at(-1)).toBe('request.duplicate_authorization')
  }
})

test('§2.2, §2.3 a token in query, other header or cookie is not read → 401 missing_token', async () => {
  const token = await api.issuer.sign()
  const lines = ['proxy-authorization', `Bearer ${token}`, 'cookie', `access_token=${token}`, 'x-access-token', token]
  const answer = await call(`${api.url}/?access_token=${token}`, lines)
  expect([answer.status, answer.json['code']]).toEqual([401, 'missing_token'])
})

test('§2.2 a token in the body is not read → 401 missing_token', async () => {
  const body = new URLSearchParams({ access_token: await api.issuer.sign() })
  const answer = await fetch(api.url, { method: 'POST', body })
  expect([answer.status, await answer.json()]).toMatchObject([401, { code: 'missing_token' }])
})

test('§3.1 a token that is refused → 401 invalid_token, and no scope to go looking for', async () => {
  const answer = await api.call(await api.issuer.sign({ aud: 'https://other.example.com' }))
  expect(answer.status).toBe(401)
  expect(answer.headers['www-authenticate']).toBe(
    `Bearer error="invalid_token", error_description="The access token is not meant for this API.", ${resourceMetadata}`,
  )
  expect(answer.json).toMatchObject({ code: 'invalid_token', status: 401 })
})

test('§3.1 a scope that is missing → 403 insufficient_scope, naming all that are needed', async () => {
  const answer = await api.call(await api.issuer.sign({ client_id: 'c-1' }), '/write')
  expect(answer.status).toBe(403)
  expect(answer.headers['www-authenticate']).toBe(
    'Bearer error="insufficient_scope", error_description="The access token lacks a scope that this needs.", ' +
      `scope="${readScope} ${writeScope}", ${resourceMetadata}`,
  )
  expect(answer.headers['cache-control']).toBe('no-store')
  expect(answer.json).toMatchObject({ code: 'insufficient_scope', status: 403 })
  expect(api.events.at(-1)).toEqual({ type: 'request.refused', reason: 'scope.insufficient', clientId: 'c-1' })
})

test('§5.3 no event holds a token or a part of one', async () => {
  const token = await api.issuer.sign({ exp: 1, iat: 0 })
  for (const line of [`Bearer ${token}`, `Basic ${token}`, `Bearer ${token} x`, token]) {
    await call(api.url, ['authorization', line])
  }
  const logged = JSON.stringify(api.events)
  for (const part of token.split('.')) expect(logged).not.toContain(part)
})
