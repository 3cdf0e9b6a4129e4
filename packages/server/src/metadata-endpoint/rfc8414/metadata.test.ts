import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { send, startTestServer, type TestServer } from '../../testing/start-test-server.ts'

let server: TestServer

beforeAll(async () => {
  server = await startTestServer()
  await server.registerApi('configurations', ['read'])
  await server.registerApi('vault', ['open'], { exclusive: true })
})
afterAll(() => server.dispose())

describe('RFC 8414 §2, §3', () => {
  test.each(['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration'])('%s', async (path) => {
    const answer = await send(server.issuer + path)
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toBe('application/json')
    expect(answer.json()).toEqual({
      issuer: server.issuer,
      token_endpoint: `${server.issuer}/oauth2/token`,
      jwks_uri: `${server.issuer}/oauth2/jwks`,
      introspection_endpoint: `${server.issuer}/oauth2/introspect`,
      revocation_endpoint: `${server.issuer}/oauth2/revoke`,
      scopes_supported: ['configurations/read'],
      response_types_supported: [],
      grant_types_supported: ['client_credentials'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      revocation_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      lk_whoami_endpoint: `${server.issuer}/oauth2/whoami`,
      lk_revocations_uri: `${server.issuer}/oauth2/revocations`,
    })
  })

  test('a new scope is there at once, under a new ETag', async () => {
    const url = `${server.issuer}/.well-known/oauth-authorization-server`
    const before = await send(url)
    await server.registerApi('billing', ['read'])
    const after = await send(url)
    expect(after.json()['scopes_supported']).toEqual(['billing/read', 'configurations/read'])
    expect(after.headers['etag']).not.toBe(before.headers['etag'])
  })

  test('an issuer with a path: the well-known part goes before it', async () => {
    const tenant = await startTestServer({ issuer: 'https://login.example.com/partners' })
    const origin = tenant.services.tokenEndpoint
    expect(origin).toBe('https://login.example.com/partners/oauth2/token')
    const local = `http://127.0.0.1:${tenant.publicPort}`
    const answer = await send(`${local}/.well-known/oauth-authorization-server/partners`)
    expect(answer.json()).toMatchObject({ issuer: 'https://login.example.com/partners' })
    expect((await send(`${local}/partners/oauth2/jwks`)).status).toBe(200)
    expect((await send(`${local}/oauth2/jwks`)).status).toBe(404)
    await tenant.dispose()
  })
})

describe('RFC 9111 caching of metadata and keys', () => {
  test.each(['/.well-known/oauth-authorization-server', '/oauth2/jwks'])('%s', async (path) => {
    const url = server.issuer + path
    const first = await send(url)
    expect(first.headers['cache-control']).toMatch(/^public, max-age=300, stale-if-error=\d+$/)
    expect(first.headers['access-control-allow-origin']).toBe('*')
    const etag = String(first.headers['etag'])
    expect(etag).toMatch(/^"[\w-]{22}"$/)
    for (const value of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await send(url, { headers: { 'If-None-Match': value } })
      expect([again.status, again.text]).toEqual([304, ''])
      expect(again.headers['etag']).toBe(etag)
    }
    const changed = await send(url, { headers: { 'If-None-Match': '"other"' } })
    expect(changed.status).toBe(200)
    expect((await send(url, { method: 'HEAD' })).status).toBe(200)
    const posted = await send(url, { method: 'POST', body: 'x' })
    expect([posted.status, posted.headers['allow']]).toEqual([405, 'GET, HEAD'])
  })
})
