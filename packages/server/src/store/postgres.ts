import { randomUUID } from 'node:crypto'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { Fault } from '../kernel/faults.ts'
import { connectionSettings, type ConnectionSettings } from './postgres/connection-settings.ts'
import { PortableTypes } from './postgres/portable-types.ts'
import { boundedPool, migrationPatience, requestPatience, type Patience } from './postgres/pool.ts'
import { setDialect, type Dialect } from './sql/dialect.ts'
import type { Schema } from './sql/schema.ts'

/** How long something that only notes by the way waits for a row; a deadlock is looked for after a second. */
const giveWayMs = 200

/** Any number that nothing else takes on this database. */
const migrationLock = 0x1a7c_4b37

/** What processes are woken by. */
export const wakeChannel = 'latchkey_changes'

/** A database on a server, with what its change feed needs to listen. */
export interface PostgresDatabase {
  readonly db: Kysely<Schema>
  readonly settings: ConnectionSettings
}

/**
 * Opens a database on a PostgreSQL server, and finds out whether it can be used. Throws Fault `config.invalid` when the URL cannot be,
 * `store.unavailable` with one line for whatever stands in the way.
 */
export async function openPostgres(url: string, connections?: number): Promise<PostgresDatabase> {
  const settings = connectionSettings(url)
  const db = openPool(settings, requestPatience, connections)
  try {
    await refuseUnusable(db, settings)
  } catch (error) {
    await db.destroy()
    throw error
  }
  return { db, settings }
}

/** A pool on the database, without finding out whether it can be used. */
export function openPool(settings: ConnectionSettings, patience: Patience, connections?: number): Kysely<Schema> {
  const db = new Kysely<Schema>({
    dialect: new PostgresDialect({ pool: boundedPool(settings, patience, connections) }),
    plugins: [new PortableTypes()],
  })
  setDialect(db, serverDialect(settings))
  return db
}

async function refuseUnusable(db: Kysely<Schema>, { place, database }: ConnectionSettings): Promise<void> {
  const { rows } = await sql<{ encoding: string; version: number }>`
    select current_setting('server_encoding') as encoding, current_setting('server_version_num')::int as version`.execute(
    db,
  )
  const { encoding = '', version = 0 } = rows[0] ?? {}
  const what = `the database ${database} at ${place}`
  if (encoding !== 'UTF8') {
    throw new Fault('store.unavailable', `${what} is encoded in ${encoding}`, 'create one with ENCODING UTF8')
  }
  if (version < 150_000) {
    throw new Fault(
      'store.unavailable',
      `${what} is PostgreSQL ${Math.floor(version / 10_000)}`,
      'use PostgreSQL 15 or newer',
    )
  }
  await refuseSharedSessions(db, what)
}

/**
 * A pooler that hands out connections for a transaction each makes one session of many: the limits that keep a frozen process from holding up the others would be
 * set on connections at random, other programs' among them, and NOTIFY would wake nobody. Found for certain when it is; a busy pooler may hide it.
 */
async function refuseSharedSessions(db: Kysely<Schema>, what: string): Promise<void> {
  await db.connection().execute(async (one) => {
    const mine = randomUUID()
    await sql`select set_config('latchkey.session', ${mine}, false)`.execute(one)
    const another = await sql<{
      session: string | null
    }>`select current_setting('latchkey.session', true) as session`.execute(db)
    if (another.rows[0]?.session !== mine) return
    throw new Fault(
      'store.unavailable',
      `${what} is reached through a pooler that shares sessions (pool_mode=transaction or statement of PgBouncer)`,
      'name PostgreSQL itself in LATCHKEY_DATABASE_URL, or let the pooler pool by session',
    )
  })
}

function serverDialect(settings: ConnectionSettings): Dialect {
  return {
    ofOneMoment: (db, reads) =>
      db.isTransaction
        ? reads(db)
        : db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(reads),
    async giveWay(tx) {
      await sql.raw(`set local lock_timeout = ${giveWayMs}`).execute(tx)
    },
    async wakeOthers(tx, sequence) {
      await sql`select pg_notify(${wakeChannel}, ${String(sequence)})`.execute(tx)
    },
    async whileNobodyElseMigrates(_db, work) {
      // Connections of their own: what migrates may wait for another process, and take its time.
      const patient = openPool(settings, migrationPatience)
      try {
        await patient.transaction().execute(async (tx) => {
          await sql`select pg_advisory_xact_lock(${migrationLock})`.execute(tx)
          await work(patient)
        })
      } finally {
        await patient.destroy()
      }
    },
    async schemaName(db) {
      const { rows } = await sql<{ name: string | null }>`select current_schema() as name`.execute(db)
      const name = rows[0]?.name ?? undefined
      if (name !== undefined) return name
      throw new Fault(
        'store.unavailable',
        `the role has no schema to use in the database ${settings.database}`,
        'create a schema on its search_path, and grant it USAGE and CREATE',
      )
    },
    async now(db) {
      const { rows } = await sql<{
        now: number
      }>`select (extract(epoch from clock_timestamp()) * 1000)::bigint as now`.execute(db)
      return rows[0]?.now
    },
    async checkSoundness(db) {
      // The server checks its pages as it reads them (data_checksums); what can be asked from here is that every table can be read.
      for (const { name } of await db.introspection.getTables()) {
        await sql`select 1 from ${sql.table(name)} limit 1`.execute(db)
      }
      await requireRights(db)
      return 'ok'
    },
  }
}

/** Throws Fault `store.unavailable` that names a table and what the role may not do with it: a change would find out only when it is made. */
async function requireRights(db: Kysely<Schema>): Promise<void> {
  const missing = await sql<{ relation: string; missing: string }>`
    select tables.relname as relation, needed.missing from pg_class as tables,
      (values ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) as needed (missing)
    where tables.relkind = 'r' and tables.relnamespace = current_schema()::regnamespace and tables.relname not like 'kysely%'
      and not has_table_privilege(tables.oid, needed.missing)
    order by 1, 2 limit 1`.execute(db)
  const [first] = missing.rows
  if (first === undefined) return
  throw new Fault(
    'store.unavailable',
    `the role of the database URL has no ${first.missing} on the table ${first.relation}`,
    'grant it SELECT, INSERT, UPDATE and DELETE on all tables of Latchkey',
  )
}
