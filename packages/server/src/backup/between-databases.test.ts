import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { restoreBackup } from '../composition/restore.ts'
import type { Config } from '../config/config.ts'
import { systemRandom } from '../kernel/random.ts'
import { startPostgres, type PostgresServer } from '../store/postgres-server.test.support.ts'
import { postForm, startTestServer, type TestServer } from '../testing/start-test-server.ts'
import { downloadBackup, headerOf, linesOf } from './backup.test.support.ts'

let postgres: PostgresServer
let folder: string

beforeAll(async () => {
  postgres = await startPostgres()
  folder = mkdtempSync(path.join(tmpdir(), 'latchkey-move-'))
})
afterAll(async () => {
  await postgres.dispose()
  rmSync(folder, { recursive: true, force: true })
})

interface Registered {
  readonly clientId: string
  readonly clientSecret: string
}

async function status(server: TestServer, { clientId, clientSecret }: Registered): Promise<number> {
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret }
  return (await postForm(server.tokenEndpoint, form)).status
}

/** Takes a backup while clients are registered and get tokens; answers those that were there before it began, and those that came meanwhile. */
async function backupUnderLoad(server: TestServer, file: string) {
  const before: Registered[] = []
  for (let i = 0; i < 30; i++) before.push(await server.registerClient(['configurations/read']))
  const load = { goesOn: true }
  const meanwhile: Registered[] = []
  const statuses: number[] = []
  const writing = (async () => {
    while (load.goesOn) {
      meanwhile.push(await server.registerClient(['configurations/read']))
      // The embedded database answers at once: without a turn of the event loop nothing else would ever come.
      await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  const asking = (async () => {
    for (let i = 0; load.goesOn; i++)
      statuses.push(await status(server, before[i % 30] ?? { clientId: '', clientSecret: '' }))
  })()
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(await downloadBackup(server.adminSocket, file)).toBe(200)
  await new Promise((resolve) => setTimeout(resolve, 100))
  load.goesOn = false
  await Promise.all([writing, asking])
  expect(meanwhile.length).toBeGreaterThan(3)
  expect(new Set(statuses)).toEqual(new Set([200]))
  return { before, meanwhile }
}

/** Rows of a table in a backup, by column. */
function rowsOf(file: string, table: string): Record<string, unknown>[] {
  const columns = headerOf(file).tables.find(({ name }) => name === table)?.columns ?? []
  return linesOf(file)
    .map((line) => JSON.parse(line) as unknown)
    .filter((line): line is unknown[] => Array.isArray(line) && line[0] === table)
    .map(([, ...values]) => Object.fromEntries(columns.map((column, index) => [column, values[index]])))
}

test(
  'a backup taken under load moves an installation from SQLite to PostgreSQL and back',
  { timeout: 60_000 },
  async () => {
    const source = await startTestServer()
    const running = [source]
    try {
      await source.registerApi('configurations', ['read'])
      const masterKey = { kind: 'file', path: path.join(source.config.dataDirectory, 'master.key') } as const
      const move = async (from: TestServer, name: string, database: Config['database']) => {
        const file = path.join(folder, `${name}.backup`)
        const { before, meanwhile } = await backupUnderLoad(from, file)
        // One moment: whoever is in it is whole, with scopes and both credentials.
        const clients = rowsOf(file, 'clients').map((row) => row['client_id'])
        for (const table of ['client_scopes', 'credentials']) {
          expect(new Set(rowsOf(file, table).map((row) => row['client_id']))).toEqual(new Set(clients))
        }
        expect(rowsOf(file, 'credentials')).toHaveLength(clients.length * 2)

        const dataDirectory = path.join(folder, name, 'data')
        const config = { ...from.config, dataDirectory, database, masterKey }
        const place = { file, replace: false }
        await restoreBackup(config, place, { clock: from.clock, random: systemRandom() })
        const moved = await startTestServer({ dataDirectory, database, masterKey }, from.clock, path.join(folder, name))
        running.push(moved)
        const statuses = await Promise.all(before.map((client) => status(moved, client)))
        expect(new Set(statuses)).toEqual(new Set([200]))
        for (const client of meanwhile)
          expect(await status(moved, client)).toBe(clients.includes(client.clientId) ? 200 : 401)
        return moved
      }
      const url = postgres.url(await postgres.createDatabase())
      const onPostgres = await move(source, 'to-postgres', { kind: 'postgres', url })
      const file = path.join(folder, 'back', 'data', 'latchkey.db')
      const back = await move(onPostgres, 'back', { kind: 'sqlite', path: file })
      const { items } = await back.services.audit.list({ event: 'backup.restored', limit: 10 })
      expect(items).toHaveLength(2)
    } finally {
      for (const server of running) await server.stop()
      rmSync(path.dirname(source.config.dataDirectory), { recursive: true, force: true })
    }
  },
)
