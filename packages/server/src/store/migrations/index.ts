import type { Kysely } from 'kysely'
import { Migrator, type Migration } from 'kysely/migration'
import { Fault } from '../../kernel/faults.ts'
import type { Schema } from '../sql/schema.ts'
import { up as registry } from './0001-registry.ts'

/** Every migration there is, in order. A name is never reused, a released migration never edited. */
const migrations: Readonly<Record<string, Migration>> = {
  '0001-registry': { up: registry },
}

/**
 * Brings the schema up to date: all pending migrations in one transaction, so that a failure leaves the old schema as it was.
 * Throws Fault `schema.newer`, having changed nothing, when a newer Latchkey has been here.
 */
export async function migrate(db: Kysely<Schema>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve({ ...migrations }) } })
  const unknown = await unknownMigrations(db)
  if (unknown.length > 0) {
    throw new Fault(
      'schema.newer',
      `the database was migrated by a newer Latchkey (${unknown.join(', ')})`,
      'start the newer version again, or restore a backup that this version made',
    )
  }
  const { error, results = [] } = await migrator.migrateToLatest()
  if (error instanceof Fault) throw error
  if (error !== undefined) {
    const failed = results.find((result) => result.status === 'Error')?.migrationName ?? 'a migration'
    throw new Fault(
      'store.corrupt',
      `${failed} failed and was rolled back`,
      'restore a backup, or report this with the log',
      {
        cause: error,
      },
    )
  }
}

async function unknownMigrations(db: Kysely<Schema>): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some((table) => table.name === 'kysely_migration')) return []
  const rows = await db
    .withTables<{ kysely_migration: { name: string } }>()
    .selectFrom('kysely_migration')
    .select('name')
    .execute()
  return rows.map((row) => row.name).filter((name) => !(name in migrations))
}
