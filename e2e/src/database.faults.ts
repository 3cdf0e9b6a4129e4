// PostgreSQL stopped, frozen and slow under two servers that are asked for tokens all the while: known clients notice nothing, what needs the
// database says so soon, nothing hangs, and everything works again without a restart.
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startPostgres, type PostgresServer } from '@latchkey/server/testing/postgres'
import { admin, latchkey, mustBe, postForm } from './latchkey-process.ts'
import { postgresInstallation, type PostgresInstallation } from './postgres-installation.ts'
import type { ServeProcess } from './serve-process.ts'
import { startSlowProxy, type SlowProxy } from './slow-proxy.ts'

const faultMs = process.env['LATCHKEY_FAULTS'] === 'short' ? 6000 : 30_000

/** Longer than anything may take, whatever the database does. */
const patienceMs = 8000

interface Client {
  readonly client_id: string
  readonly client_secret: string
}

interface Sent {
  readonly phase: string
  readonly kind: 'known' | 'unknown' | 'change'
  /** A status, or why there is none. */
  readonly outcome: number | string
  readonly ms: number
}

let installation: PostgresInstallation
let postgres: PostgresServer
let proxy: SlowProxy
let servers: ServeProcess[]
let clients: Client[]
/** Changed all the while, and by that forgotten in memory: apart from those that are asked for tokens. */
let changed: Client

beforeAll(async () => {
  postgres = await startPostgres({ fsync: true })
  proxy = await startSlowProxy(postgres.port)
  const url = new URL(postgres.url(await postgres.createDatabase()))
  url.port = String(proxy.port)
  installation = postgresInstallation(url.href)
  servers = await Promise.all(['one', 'two'].map((name) => installation.start(name)))
  const socket = socketOf(0)
  const made = await admin(socket, 'POST', '/resource-servers', {
    name: 'billing',
    audience: 'https://billing.example.com',
    scopes: [{ name: 'read', description: 'Read' }],
  })
  mustBe(201, made)
  clients = []
  for (let i = 0; i < 10; i++) {
    const client = await admin<Client>(socket, 'POST', '/clients', {
      name: `client ${i}`,
      scopes: ['billing/read'],
      show_secret: true,
    })
    mustBe(201, client)
    clients.push(client.body)
  }
  changed = (
    await admin<Client>(socket, 'POST', '/clients', { name: 'changed', scopes: ['billing/read'], show_secret: true })
  ).body
})
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()))
  await proxy.close()
  await postgres.dispose()
  installation.remove()
})

function serverOf(n: number): ServeProcess {
  const server = servers[n % 2]
  if (server === undefined) throw new Error('not started')
  return server
}
const socketOf = (n: number) => serverOf(n).serving.admin_socket
const tokenEndpointOf = (n: number) => `${serverOf(n).serving.public}/oauth2/token`
const grant = { grant_type: 'client_credentials' }

test('known clients get tokens throughout; the rest is told soon; all is well again afterwards', async () => {
  // Every client is known to both before anything breaks.
  for (const [i, client] of [...clients, ...clients].entries()) {
    expect((await postForm(tokenEndpointOf(Math.floor(i / clients.length)), client, grant)).status).toBe(200)
  }
  const load = startLoad()
  const { sent } = load

  await sleep(3000)
  load.enter('stopped')
  await postgres.shutDown()
  await sleep(faultMs)
  await postgres.start()
  await recovered('stopped')
  load.enter('between 1')
  await sleep(3000)

  load.enter('frozen')
  await postgres.freeze()
  await sleep(faultMs)
  await postgres.thaw()
  await recovered('frozen')
  load.enter('between 2')
  await sleep(3000)

  load.enter('slow')
  proxy.delay(150)
  await sleep(faultMs)
  proxy.delay(0)
  await recovered('slow')
  load.enter('after')
  await sleep(3000)
  await load.stop()

  console.log(summary(sent))
  const of = (kind: Sent['kind'], phase?: string) =>
    sent.filter((each) => each.kind === kind && (phase === undefined || each.phase === phase))
  const outcomes = (list: Sent[]) =>
    [...new Set(list.map(({ outcome }) => outcome))].toSorted((a, b) => String(a).localeCompare(String(b)))

  expect(of('known').length).toBeGreaterThan(faultMs / 50)
  expect(outcomes(of('known'))).toEqual([200])
  for (const phase of ['normal', 'between 1', 'between 2', 'after']) {
    expect([phase, outcomes(of('unknown', phase))]).toEqual([phase, [401]])
    expect([phase, outcomes(of('change', phase))]).toEqual([phase, [200]])
  }
  // While it is away: never an `invalid_client` that nobody looked up once the absence is known, never silence.
  for (const phase of ['stopped', 'frozen']) {
    expect(outcomes(of('unknown', phase)).every((outcome) => outcome === 503 || outcome === 401)).toBe(true)
    expect(of('unknown', phase).some(({ outcome }) => outcome === 503)).toBe(true)
    expect(outcomes(of('change', phase)).every((outcome) => outcome === 503 || outcome === 200)).toBe(true)
    expect(of('change', phase).some(({ outcome }) => outcome === 503)).toBe(true)
  }
  expect(sent.filter(({ outcome }) => typeof outcome === 'string')).toEqual([])

  for (const name of ['one', 'two']) {
    const flags = ['--json', '--data-dir', `${installation.directory}/${name}`]
    const verified = await latchkey(['audit', 'verify', ...flags])
    expect([verified.code, JSON.parse(verified.stdout)]).toEqual([0, expect.objectContaining({ intact: true })])
  }
})

/** Waits until both servers take changes again, without having been restarted. */
async function recovered(after: string): Promise<void> {
  for (const n of [0, 1]) {
    const { child, stderr } = serverOf(n)
    expect([child.exitCode, child.signalCode, child.exitCode === null ? '' : stderr()]).toEqual([null, null, ''])
    await expect
      .poll(() => change(n).then(({ status }) => status, String), { timeout: 20_000, interval: 200, message: after })
      .toBe(200)
  }
}

let changes = 0
function change(n: number) {
  const body = { name: `renamed ${changes++}` }
  return admin(socketOf(n), 'PATCH', `/clients/${changed.client_id}`, body, patienceMs)
}

/** Sends at a steady pace, whether answers come or not: 40 token requests, one by a stranger and 2 changes a second, to both servers in turn. */
function startLoad() {
  const sent: Sent[] = []
  const open = new Set<Promise<void>>()
  let phase = 'normal'
  let n = 0
  const send = (kind: Sent['kind'], request: Promise<{ status: number }>) => {
    const at = phase
    const began = performance.now()
    const answered = request
      .then(({ status }) => status, String)
      .then((outcome) => {
        sent.push({ phase: at, kind, outcome, ms: performance.now() - began })
      })
    open.add(answered)
    void answered.then(() => open.delete(answered))
  }
  const stranger = { client_id: 'nobody', client_secret: 'lk_test_guess' }
  const timers = [
    setInterval(() => {
      n++
      const client = clients[n % clients.length] ?? stranger
      send('known', postForm(tokenEndpointOf(n), client, grant, patienceMs))
    }, 25),
    setInterval(() => {
      send('unknown', postForm(tokenEndpointOf(n), stranger, grant, patienceMs))
    }, 1000),
    setInterval(() => {
      send('change', change(n))
    }, 500),
  ]
  return {
    sent,
    enter(next: string) {
      phase = next
    },
    async stop() {
      for (const timer of timers) clearInterval(timer)
      await Promise.all(open)
    },
  }
}

function summary(sent: readonly Sent[]): string {
  const groups = Map.groupBy(sent, ({ phase, kind }) => `${phase} · ${kind}`)
  return [...groups]
    .map(([name, list]) => {
      const outcomes = Map.groupBy(list, ({ outcome }) => outcome)
      const counts = [...outcomes].map(([outcome, each]) => `${each.length} × ${outcome}`).join(', ')
      const ms = list.map((each) => each.ms).toSorted((a, b) => a - b)
      const at = (part: number) => Math.round(ms[Math.min(ms.length - 1, Math.floor(ms.length * part))] ?? 0)
      return `${name}: ${list.length} sent (${counts}), p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, max ${at(1)} ms`
    })
    .join('\n')
}
