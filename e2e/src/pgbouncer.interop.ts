// A real PgBouncer before PostgreSQL, as a Debian package brings it: by session it is as if it were not there, by transaction the start is refused.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startPostgres, type PostgresServer } from '@latchkey/server/testing/postgres'
import { isHere } from './guide-samples.ts'
import { admin, freePorts, mustBe, newDirectory, postForm, removeDirectory } from './latchkey-process.ts'
import { postgresInstallation } from './postgres-installation.ts'

const isThere = await isHere('pgbouncer', '--version')

let postgres: PostgresServer
const started: (() => Promise<unknown> | void)[] = []

beforeAll(async () => {
  if (isThere) postgres = await startPostgres()
})
afterEach(async () => {
  for (const stop of started.splice(0).toReversed()) await stop()
})
afterAll(() => postgres?.dispose())

/** Answers the URL of a new database behind a pooler of its own. */
async function pooled(mode: 'session' | 'transaction'): Promise<string> {
  const url = new URL(postgres.url(await postgres.createDatabase()))
  const directory = newDirectory()
  started.push(() => removeDirectory(directory))
  const [port = 0] = await freePorts(1)
  const [users, settings] = [path.join(directory, 'users'), path.join(directory, 'pgbouncer.ini')]
  writeFileSync(users, `"${url.username}" "${decodeURIComponent(url.password)}"\n`)
  writeFileSync(
    settings,
    `[databases]\n* = host=127.0.0.1 port=${postgres.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${port}\n` +
      `unix_socket_dir =\nauth_type = plain\nauth_file = ${users}\npool_mode = ${mode}\ndefault_pool_size = 40\n`,
  )
  chmodSync(directory, 0o755)
  for (const file of [users, settings]) chmodSync(file, 0o644)
  // It refuses to run as root.
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const child = spawn('pgbouncer', ['-q', ...user, settings], { stdio: 'ignore' })
  const ended = once(child, 'exit')
  started.push(() => {
    child.kill('SIGKILL')
    return ended
  })
  await expect.poll(() => listens(port), { timeout: 10_000 }).toBe(true)
  url.port = String(port)
  return url.href
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

test.skipIf(!isThere)('by session: two servers behind it know of each other’s changes at once', async () => {
  const installation = postgresInstallation(await pooled('session'))
  started.push(() => installation.remove())
  const servers = await Promise.all([installation.start('one'), installation.start('two')])
  for (const server of servers) started.push(() => server.stop())
  const [one, two] = servers
  const scopes = [{ name: 'read', description: 'Read' }]
  const api = { name: 'billing', audience: 'https://billing.example.com', scopes }
  mustBe(201, await admin(one.serving.admin_socket, 'POST', '/resource-servers', api))
  const input = { name: 'partner', scopes: ['billing/read'], show_secret: true }
  type Made = { client_id: string; client_secret: string }
  const { body: client } = await admin<Made>(one.serving.admin_socket, 'POST', '/clients', input)
  const ask = () => postForm(`${two.serving.public}/oauth2/token`, client, { grant_type: 'client_credentials' })
  expect((await ask()).status).toBe(200)
  mustBe(200, await admin(one.serving.admin_socket, 'POST', `/clients/${client.client_id}/disable`))
  await expect.poll(async () => (await ask()).status, { timeout: 1000, interval: 20 }).toBe(401)
})

test.skipIf(!isThere)('by transaction: refused in one line, with what to do', async () => {
  const installation = postgresInstallation(await pooled('transaction'))
  started.push(() => installation.remove())
  const refused = await installation.start('one').then(
    (server) => server.stop().then(() => 'it started'),
    (error: unknown) => String(error),
  )
  expect(refused).toContain('a pooler that shares sessions')
  expect(refused).toContain('let the pooler pool by session')
})
