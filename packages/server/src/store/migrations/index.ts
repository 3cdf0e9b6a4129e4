import type { Kysely, TableMetadata } from 'kysely'
import { Migrator, type Migration } from 'kysely/migration'
import { Fault } from '../../kernel/faults.ts'
import { dialectOf } from '../sql/dialect.ts'
import type { Schema } from '../sql/schema.ts'
import { up as registry } from './0001-registry.ts'
import { up as changeNotices } from './0002-change-notices.ts'
import { up as keyLifecycle } from './0003-key-lifecycle.ts'
import { up as idempotency } from './0004-idempotency.ts'
import { up as operations } from './0005-operations.ts'
import { up as contactsAndEnds } from './0006-contacts-and-ends.ts'
import { up as deliveryLinks } from './0007-delivery-links.ts'
import { up as accessRequests } from './0008-access-requests.ts'
import { up as notices } from './0009-notices.ts'
import { up as certificates } from './0010-certificates.ts'
import { up as mutualTls } from './0011-mutual-tls.ts'
import { up as registeredSubjects } from './0012-registered-subjects.ts'
import { up as authorities } from './0013-authorities.ts'
import { up as certificatesByLink } from './0014-certificates-by-link.ts'
import { up as toldEndings } from './0015-told-endings.ts'
import { up as ownRevocations } from './0016-own-revocations.ts'
import { up as networkPolicies } from './0017-network-policies.ts'
import { up as endpointRules } from './0018-endpoint-rules.ts'

/** Every migration there is, in order. A name is never reused, a released migration never edited. */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001-registry': { up: registry },
  '0002-change-notices': { up: changeNotices },
  '0003-key-lifecycle': { up: keyLifecycle },
  '0004-idempotency': { up: idempotency },
  '0005-operations': { up: operations },
  '0006-contacts-and-ends': { up: contactsAndEnds },
  '0007-delivery-links': { up: deliveryLinks },
  '0008-access-requests': { up: accessRequests },
  '0009-notices': { up: notices },
  '0010-certificates': { up: certificates },
  '0011-mutual-tls': { up: mutualTls },
  '0012-registered-subjects': { up: registeredSubjects },
  '0013-authorities': { up: authorities },
  '0014-certificates-by-link': { up: certificatesByLink },
  '0015-told-endings': { up: toldEndings },
  '0016-own-revocations': { up: ownRevocations },
  '0017-network-policies': { up: networkPolicies },
  '0018-endpoint-rules': { up: endpointRules },
}

/** Their names, in order. */
export const allMigrations: readonly string[] = Object.keys(migrations).toSorted()

/**
 * Brings the schema up to date: all pending migrations in one transaction, so that a failure leaves the old schema as it was.
 * Throws Fault `schema.newer`, having changed nothing, when a newer Latchkey has been here.
 */
export async function migrate(db: Kysely<Schema>): Promise<void> {
  // Looked at first: a server whose role may not change the schema can start on one that is current.
  if (await isCurrent(db)) return
  await dialectOf(db).whileNobodyElseMigrates(db, async (migrating) => {
    // Another process may have been first.
    if (!(await isCurrent(migrating))) await migrateToLatest(migrating)
  })
}

async function isCurrent(db: Kysely<Schema>): Promise<boolean> {
  const applied = await appliedMigrations(db)
  refuseNewer(applied)
  return applied.length === Object.keys(migrations).length
}

async function migrateToLatest(db: Kysely<Schema>): Promise<void> {
  const schema = await dialectOf(db).schemaName(db)
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
    ...(schema === undefined ? {} : { migrationTableSchema: schema }),
  })
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

/**
 * Throws Fault `schema.older` when migrations are pending, `schema.newer` when a newer Latchkey has been here. Only reads: for a server whose
 * role may not change the schema, or that must not.
 */
export async function requireCurrentSchema(db: Kysely<Schema>): Promise<void> {
  const pending = await pendingMigrations(db)
  if (pending.length === 0) return
  throw new Fault(
    'schema.older',
    pending.length === Object.keys(migrations).length
      ? 'the database has no tables of Latchkey yet'
      : `the database lacks ${pending.join(', ')}: it was made by an older Latchkey`,
    'run `latchkey migrate` with a role that may change the schema',
  )
}

/** Names of the migrations that {@link migrate} would run, in order. Throws Fault `schema.newer`. Only reads. */
export async function pendingMigrations(db: Kysely<Schema>): Promise<string[]> {
  const applied = await appliedMigrations(db)
  refuseNewer(applied)
  return allMigrations.filter((name) => !applied.includes(name))
}

/** Throws Fault `schema.newer` when one of these migrations is not known here. */
export function refuseNewer(applied: readonly string[]): void {
  const unknown = applied.filter((name) => !(name in migrations))
  if (unknown.length === 0) return
  throw new Fault(
    'schema.newer',
    `the database was migrated by a newer Latchkey (${unknown.join(', ')})`,
    'start the newer version again, or restore a backup that this version made',
  )
}

/** Names of the migrations that made the schema, in order; none in a database that was never migrated. Only reads. */
export async function appliedMigrations(db: Kysely<Schema>): Promise<string[]> {
  const schema = await dialectOf(db).schemaName(db)
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  const isOurs = (table: TableMetadata) => table.name === 'kysely_migration' && table.schema === schema
  if (!tables.some((table) => isOurs(table))) return []
  const rows = await db
    .withTables<{ kysely_migration: { name: string } }>()
    .selectFrom('kysely_migration')
    .select('name')
    .orderBy('name')
    .execute()
  return rows.map((row) => row.name)
}
