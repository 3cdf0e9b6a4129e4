import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { startPostgres, type PostgresServer } from '@latchkey/server/testing/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { admin, latchkey, postForm } from './latchkey-process.ts'
import { postgresInstallation, type PostgresInstallation } from './postgres-installation.ts'
import type { ServeProcess } from './serve-process.ts'
import { startTokenLoad } from './token-load.ts'

interface Client {
  readonly client_id: string
  readonly client_secret: string
}

let postgres: PostgresServer
let installation: PostgresInstallation

beforeAll(async () => {
  postgres = await startPostgres()
  installation = postgresInstallation(postgres.url(await postgres.createDatabase()))
})
afterAll(async () => {
  // What a test that failed has left running.
  for (const { child } of started) child.kill('SIGKILL')
  await postgres.dispose()
  installation.remove()
})

const started: ServeProcess[] = []
async function start(name: string, ...args: string[]): Promise<ServeProcess> {
  const server = await installation.start(name, args)
  started.push(server)
  return server
}

const grant = { grant_type: 'client_credentials' }

async function prepare(socket: string): Promise<Client> {
  const scopes = [{ name: 'read', description: 'Read' }]
  await admin(socket, 'POST', '/resource-servers', { name: 'billing', audience: 'https://billing.example.com', scopes })
  const made = await admin<Client>(socket, 'POST', '/clients', {
    name: 'busy',
    scopes: ['billing/read'],
    show_secret: true,
  })
  expect(made.status).toBe(201)
  return made.body
}

/** Ids of the processes below a server. */
function workersOf(pid: number | undefined): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
}

test(
  'three workers share the listener, hear of changes, and are replaced when they die',
  { timeout: 120_000 },
  async () => {
    const server = await start('shared', '--workers', '3')
    const { admin_socket: socket, public: url, admin: adminUrl, workers } = server.serving
    expect(workers).toBe(3)
    const before = workersOf(server.child.pid)
    expect(before).toHaveLength(3)
    const client = await prepare(socket)

    // A connection for each request: they go to the workers in turn.
    for (let i = 0; i < 9; i++) expect((await postForm(`${url}/oauth2/token`, client, grant)).status).toBe(200)
    // One scrape of the process above them has the numbers of all.
    const metrics = await (await fetch(`${adminUrl}/metrics`)).text()
    expect(metrics).toContain('latchkey_token_requests_total{outcome="granted",reason=""} 9\n')
    const logs = path.join(installation.directory, 'shared', 'audit')
    const granting = readdirSync(logs, { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('.jsonl') && readFileSync(path.join(logs, name), 'utf8').includes('token.granted'),
    )
    expect(granting).toHaveLength(3)

    // A delivery link is claimed at whichever worker it meets: of thirty claims over as many connections one wins.
    const { body: made } = await admin<{ delivery_link: string }>(socket, 'POST', `/clients/${client.client_id}/links`)
    const link = new URL(made.delivery_link)
    const claims = await Promise.all(
      Array.from({ length: 30 }, () =>
        fetch(url + link.pathname, {
          method: 'POST',
          headers: { 'content-type': 'application/json', connection: 'close' },
          body: JSON.stringify({ key: link.hash.slice(1) }),
        }),
      ),
    )
    expect(claims.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, ...Array<number>(29).fill(409)])
    expect((await fetch(`${url}/docs`)).status).toBe(200)

    // Every worker knows the client by now, and none may grant a second after it was disabled.
    expect((await admin(socket, 'POST', `/clients/${client.client_id}/disable`)).status).toBe(200)
    await new Promise((wait) => setTimeout(wait, 1000))
    for (let i = 0; i < 9; i++) expect((await postForm(`${url}/oauth2/token`, client, grant)).status).toBe(401)
    expect((await admin(socket, 'POST', `/clients/${client.client_id}/enable`)).status).toBe(200)

    // Killed, so that its log is torn or at least not closed.
    process.kill(before[0] ?? 0, 'SIGKILL')
    await expect
      .poll(() => workersOf(server.child.pid).filter((pid) => !before.includes(pid)).length, { timeout: 20_000 })
      .toBe(1)
    await expect
      .poll(() => server.log().filter(({ msg }) => /did not close it/.test(String(msg))).length, { timeout: 20_000 })
      .toBe(1)
    for (let i = 0; i < 9; i++) expect((await postForm(`${url}/oauth2/token`, client, grant)).status).toBe(200)
    expect((await fetch(`${adminUrl}/readyz`)).status).toBe(200)
    const replaced = server.log().filter(({ msg }) => msg === 'a worker ended and is replaced')
    expect(replaced).toMatchObject([{ signal: 'SIGKILL' }])

    // While all of them write: the logs of the siblings are checked, and are no finding.
    const load = startTokenLoad(`${url}/oauth2/token`, client, 6)
    await new Promise((wait) => setTimeout(wait, 300))
    const flags = ['--json', '--data-dir', path.join(installation.directory, 'shared')]
    const verified = await latchkey(['audit', 'verify', ...flags])
    const report = JSON.parse(verified.stdout) as { intact: boolean; checked: { logs: number }; findings: unknown[] }
    expect([verified.code, report]).toMatchObject([0, { intact: true, checked: { logs: 5 } }])

    expect(await server.stop()).toEqual({ code: 0, signal: null })
    const outcomes = await load.stop()
    expect(outcomes['200']).toBeGreaterThan(50)
    const errors = server.log().filter(({ level }) => level === 'error')
    expect(errors.map(({ msg }) => msg)).toEqual(['a worker ended and is replaced'])

    // All logs were closed in order: nothing is left to recover, and one process verifies what five wrote.
    const alone = await start('shared')
    expect(alone.log().filter(({ msg }) => /did not close it/.test(String(msg)))).toEqual([])
    const again = await latchkey(['audit', 'verify', ...flags])
    expect([again.code, JSON.parse(again.stdout)]).toMatchObject([0, { intact: true, checked: { logs: 6 } }])
    await alone.stop()
  },
)

test('what a worker cannot do refuses the start, with its reason', { timeout: 60_000 }, async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  const attempt = installation.start('refused', ['--workers', '2', '--port', String(port)])
  await expect(attempt).rejects.toThrow(/ended with 2: [^]*port \d+ on 127\.0\.0\.1 is in use \(public listener\)/)
  other.close()
})

test('workers that end again and again end the server, with the reason', { timeout: 120_000 }, async () => {
  const server = await start('crashing', '--workers', '2')
  const killer = setInterval(() => {
    for (const pid of workersOf(server.child.pid)) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It was gone already.
      }
    }
  }, 250)
  const ended = await server.ended
  clearInterval(killer)
  expect(ended).toEqual({ code: 2, signal: null })
  expect(JSON.parse(server.stderr().trimEnd().split('\n').at(-1) ?? '')).toEqual({
    error: 'workers.failed',
    message: expect.stringMatching(/^worker \d ended with SIGKILL$/) as string,
    hint: expect.any(String) as string,
  })
})

test('workers end with the process above them', { timeout: 60_000 }, async () => {
  const server = await start('orphans', '--workers', '2')
  const workers = workersOf(server.child.pid)
  expect(workers).toHaveLength(2)
  await server.stop('SIGKILL')
  const isAlive = (pid: number) => {
    try {
      process.kill(pid, 0)
      return true
    } catch {
      return false
    }
  }
  await expect.poll(() => workers.filter((pid) => isAlive(pid)), { timeout: 10_000 }).toEqual([])
  const again = await start('orphans', '--workers', '2')
  expect(await again.stop()).toMatchObject({ code: 0 })
})
