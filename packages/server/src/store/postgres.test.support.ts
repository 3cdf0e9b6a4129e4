import { afterAll, beforeAll } from 'vitest'
import type { Backend } from './contract/backend.ts'
import { openStore } from './open-store.ts'
import { startPostgres, type PostgresOptions, type PostgresServer } from './postgres-server.test.support.ts'

/** A server for all tests of the calling file, and a migrated, empty database to copy: migrating takes ten times as long. */
export interface PostgresOfTests {
  readonly server: () => PostgresServer
  /** A database of its own for one test, like any other backend. */
  readonly openBackend: () => Promise<Backend & { readonly url: string }>
}

const template = 'migrated'

export function usePostgres(options: PostgresOptions = {}): PostgresOfTests {
  let started: PostgresServer | undefined
  const server = () => {
    if (started === undefined) throw new Error('PostgreSQL was not started')
    return started
  }
  beforeAll(async () => {
    started = await startPostgres(options)
    await started.query(`create database ${template}`)
    const store = await openStore({ kind: 'postgres', url: started.url(template) })
    await store.migrate()
    await store.close()
  })
  afterAll(() => started?.dispose())

  /** Databases that tests are done with, emptied: making one takes twenty times as long. */
  const free: string[] = []
  async function empty(database: string): Promise<void> {
    const tables = await server().query<{ name: string }>(
      `select tablename as name from pg_tables where schemaname = 'public' and tablename not like 'kysely_%'`,
      database,
    )
    const [sequences] = await server().query<{ rows: string }>(
      `select string_agg(format('(%L, %L)', name, value), ', ') as rows from sequences`,
      template,
    )
    // In this mode foreign keys ask for no order.
    await server().query(
      `set session_replication_role = replica; ${tables.map(({ name }) => `delete from "${name}"; `).join('')}
       insert into sequences (name, value) values ${sequences?.rows}`,
      database,
    )
  }

  return {
    server,
    async openBackend() {
      const database = free.pop() ?? (await server().createDatabase(template))
      const url = server().url(database)
      return {
        url,
        isShared: true,
        open: async (wiring) => {
          const store = await openStore({ kind: 'postgres', url }, wiring)
          await store.migrate()
          return { ...store, change: store.changes(wiring.sealer, wiring.announce) }
        },
        async remove() {
          await empty(database)
          free.push(database)
        },
      }
    },
  }
}
