import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer, type TestServer } from '../testing/start-test-server.ts'
import { adminSender, type SendAdmin } from './testing/admin-request.ts'

let server: TestServer
let send: SendAdmin

beforeAll(async () => {
  server = await startTestServer()
  send = adminSender(server.adminSocket)
})

afterAll(async () => {
  await server.dispose()
})

describe('the server itself', () => {
  it('answers status, keys and doctor', async () => {
    expect((await send('GET', '/status')).body).toEqual({
      issuer: server.issuer,
      token_endpoint: server.tokenEndpoint,
      version: '0.0.0-test',
      started_at: Math.floor(server.clock.now() / 1000),
    })
    const keys = await send('GET', '/keys')
    expect((keys.body['items'] as { state: string }[]).map((key) => key.state).toSorted()).toEqual([
      'active',
      'standby',
    ])
    expect(keys.text).not.toContain('"d"')
    const { findings } = (await send('GET', '/doctor')).body as { findings: { status: string }[] }
    expect(findings.length).toBeGreaterThan(0)
    expect(findings.filter((finding) => finding.status === 'failed')).toEqual([])
  })
})
