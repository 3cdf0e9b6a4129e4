import { startPostgres, type PostgresServer } from '@latchkey/server/testing/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startBalancer, type Backend, type Balancer } from './balancer.ts'
import { admin, latchkey } from './latchkey-process.ts'
import { postgresInstallation, type PostgresInstallation } from './postgres-installation.ts'
import type { ServeProcess } from './serve-process.ts'
import { startTokenLoad } from './token-load.ts'

let postgres: PostgresServer
let installation: PostgresInstallation
let balancer: Balancer
const running = new Map<string, { readonly server: ServeProcess; readonly backend: Backend }>()

beforeAll(async () => {
  postgres = await startPostgres()
  installation = postgresInstallation(postgres.url(await postgres.createDatabase()))
  balancer = await startBalancer(100)
})
afterAll(async () => {
  await Promise.all([...running.values()].map(({ server }) => server.stop()))
  await balancer.close()
  await postgres.dispose()
  installation.remove()
})

async function start(name: string): Promise<void> {
  const server = await installation.start(name, ['--drain-delay', '1'])
  const backend = { publicUrl: server.serving.public, adminUrl: server.serving.admin }
  running.set(name, { server, backend })
  balancer.add(backend)
  await expect.poll(() => balancer.isUp(backend)).toBe(true)
}

function known(name: string) {
  const found = running.get(name)
  if (found === undefined) throw new Error(`${name} is not running`)
  return found
}

test(
  'two servers are restarted one after the other under load, and no request fails',
  { timeout: 120_000 },
  async () => {
    await start('one')
    await start('two')
    const socket = known('one').server.serving.admin_socket
    const scopes = [{ name: 'read', description: 'Read' }]
    await admin(socket, 'POST', '/resource-servers', {
      name: 'billing',
      audience: 'https://billing.example.com',
      scopes,
    })
    const { body: client } = await admin<{ client_id: string; client_secret: string }>(socket, 'POST', '/clients', {
      name: 'busy',
      scopes: ['billing/read'],
      show_secret: true,
    })

    const load = startTokenLoad(`${balancer.url}/oauth2/token`, client, 8)
    for (const name of ['one', 'two', 'one']) {
      await new Promise((wait) => setTimeout(wait, 300))
      const { server, backend } = known(name)
      expect(balancer.count(backend)).toBeGreaterThan(0)
      expect(await server.stop()).toEqual({ code: 0, signal: null })
      balancer.remove(backend)
      await start(name)
    }
    await new Promise((wait) => setTimeout(wait, 300))
    const outcomes = await load.stop()

    expect(Object.keys(outcomes)).toEqual(['200'])
    expect(outcomes['200']).toBeGreaterThan(100)
    for (const name of ['one', 'two']) {
      expect(balancer.count(known(name).backend)).toBeGreaterThan(0)
      // Every one of them is in the log of the server that answered, and the other's logs are known to be elsewhere.
      const verified = await latchkey(['audit', 'verify', '--json', '--data-dir', `${installation.directory}/${name}`])
      const report = JSON.parse(verified.stdout) as { intact: boolean; findings: { kind: string }[] }
      expect(report.intact).toBe(true)
      expect([...new Set(report.findings.map(({ kind }) => kind))]).toEqual(['not_here'])
    }
  },
)
