import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { send, startTestServer, type TestServer } from '../testing/start-test-server.ts'

let server: TestServer

beforeAll(async () => {
  server = await startTestServer()
})

afterAll(async () => {
  await server.dispose()
})

describe('the public listener, beside the OAuth endpoints', () => {
  test('answers what nobody serves with a problem document and the headers of every page', async () => {
    const answer = await send(`${server.issuer}/nothing`)
    expect(answer.status).toBe(404)
    expect(answer.json()).toMatchObject({ reason: 'route.unknown', request_id: answer.headers['x-request-id'] })
    expect(answer.headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringContaining("frame-ancestors 'none'") as string,
    })
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
  })

  test('does not take a path apart by what could be read differently', async () => {
    for (const path of ['/../claim', '/%2e%2e/claim', '/%', '/claim%00', '//claim']) {
      expect((await send(`${server.issuer}${path}`)).status).toBeGreaterThanOrEqual(400)
    }
  })
})
