import { rmSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { postForm, send, sqliteFile, startTestServer, type TestServer } from '../testing/start-test-server.ts'

let server: TestServer
let client: { clientId: string; clientSecret: string }

beforeEach(async () => {
  server = await startTestServer()
  await server.registerApi('configurations', ['read'])
  client = await server.registerClient(['configurations/read'])
})
afterEach(() => server.dispose())

const ask = (of = client) =>
  postForm(server.tokenEndpoint, {
    grant_type: 'client_credentials',
    client_id: of.clientId,
    client_secret: of.clientSecret,
  })

test('a damaged row refuses its own client with 5xx and ends neither the process nor others’ requests', async () => {
  const other = await server.registerClient(['configurations/read'])
  expect((await ask()).status).toBe(200)
  const db = new DatabaseSync(sqliteFile(server.config))
  db.prepare(`update credentials set digest_key_id = 'nope' where client_id = ? and kind = 'secret'`).run(
    client.clientId,
  )
  db.close()
  server = await server.restart()
  for (let i = 0; i < 3; i++) {
    const [damaged, whole] = await Promise.all([ask(), ask(other)])
    expect(damaged.status).toBeGreaterThanOrEqual(500)
    expect(damaged.headers['x-request-id']).toBeDefined()
    expect(whole.status).toBe(200)
  }
})

test('two servers on one database: the second does not start, whatever its data directory', async () => {
  const shared = path.join(server.config.dataDirectory, '..', 'shared.db')
  const one = await startTestServer({ database: { kind: 'sqlite', path: shared } })
  await expect(startTestServer({ database: { kind: 'sqlite', path: shared } })).rejects.toMatchObject({
    code: 'data_directory.locked',
  })
  await one.dispose()
})

test('503 says when to come again, and that is not the limiter’s time', async () => {
  await ask({ clientId: 'nobody', clientSecret: 'x' })
  const token = (await ask()).json<{ access_token: string }>().access_token
  const db = new DatabaseSync(sqliteFile(server.config))
  db.exec('BEGIN IMMEDIATE')
  const user = Buffer.from(`${client.clientId}:${client.clientSecret}`).toString('base64')
  const revoked = await postForm(`${server.issuer}/oauth2/revoke`, { token }, { Authorization: `Basic ${user}` })
  expect((await ask()).status).toBe(200)
  db.exec('ROLLBACK')
  db.close()
  expect([revoked.status, revoked.headers['retry-after']]).toEqual([503, '2'])
})

test('an audit log that is gone: no token is issued that cannot be recorded, and readiness says so', async () => {
  expect((await ask()).status).toBe(200)
  rmSync(path.join(server.config.dataDirectory, 'audit'), { recursive: true })
  let answer = await ask()
  for (let i = 0; i < 60 && answer.status === 200; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    answer = await ask()
  }
  expect([answer.status, answer.json()['error']]).toEqual([503, 'temporarily_unavailable'])
  expect((await send(`${server.adminUrl}/readyz`)).status).toBe(503)
})
