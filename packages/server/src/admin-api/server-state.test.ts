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

  it('publishes an OpenAPI 3.1 document with every operation', async () => {
    const { body, headers } = await send('GET', '/openapi.json')
    expect(headers['cache-control']).toBe('no-store')
    expect(body['openapi']).toMatch(/^3\.1\./)
    const paths = body['paths'] as Record<string, Record<string, { responses: Record<string, { content: object }> }>>
    expect(Object.values(paths).flatMap((operations) => Object.keys(operations))).toHaveLength(25)
    const create = paths['/clients']?.['post']
    expect(Object.keys(create?.responses['409']?.content ?? {})).toEqual(['application/problem+json'])
    expect(Object.keys(create?.responses['201']?.content ?? {})).toEqual(['application/json'])
    expect(JSON.stringify(create)).toContain('"additionalProperties":false')
  })
})
