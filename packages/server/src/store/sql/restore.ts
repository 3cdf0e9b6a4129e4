import { sql, type Kysely } from 'kysely'
import type { BackupRow, HandedOut, RestoreTarget, RestoreTransaction, TableShape } from '../../backup/ports.ts'
import { appliedMigrations, migrations, refuseNewer } from '../migrations/index.ts'
import { schemaShape } from '../schema-shape.ts'
import { auditLogStore } from './audit.ts'
import { backupShape } from './backup.ts'
import { appendRow } from './change.ts'
import { endUnsettledLinks } from './delivery-links.ts'
import { inParts } from './in-parts.ts'
import { signingKeyWrites } from './keys.ts'
import { revocationWrites } from './revocations.ts'
import type { Schema } from './schema.ts'
import { collectTouched } from './touched.ts'

/** Parameters of one statement: the smallest limit among the backends is 32,766. */
const maxParameters = 30_000

export interface RestoreDialect {
  /** Programs in contact with the database beside this one, in words. */
  others(db: Kysely<Schema>): Promise<readonly string[]>
}

export function restoreTarget(db: Kysely<Schema>, dialect: RestoreDialect): RestoreTarget {
  return {
    async state() {
      const applied = await appliedMigrations(db)
      refuseNewer(applied)
      return { isEmpty: !(await wasInstalled(db, applied)), others: await dialect.others(db) }
    },
    shape: backupShape,
    transaction: (work) => db.transaction().execute((tx) => work(restoreTransaction(tx))),
  }
}

/** The row outlives the keys: a database that lost them is not taken for a new one. */
async function wasInstalled(db: Kysely<Schema>, applied: readonly string[]): Promise<boolean> {
  if (applied.length === 0) return false
  const row = await db.selectFrom('sequences').select('name').where('name', '=', 'installed').executeTakeFirst()
  return row !== undefined
}

function restoreTransaction(tx: Kysely<Schema>): RestoreTransaction {
  // Nobody is told: no server runs.
  const touched = collectTouched()
  return {
    handedOut: async () =>
      (await appliedMigrations(tx)).length === 0 ? { generation: 0, sequence: 0 } : handedOut(tx),
    async changesAfter(row, limit) {
      if ((await appliedMigrations(tx)).length === 0) return []
      const audit = auditLogStore(tx)
      const [same] = await audit.rows(row.sequence - 1, 1)
      const goesOn = row.sequence === 0 || (same?.sequence === row.sequence && same.mac === row.mac)
      return goesOn ? audit.rows(row.sequence, limit) : []
    },
    async begin(names) {
      await removeTables(tx)
      await makeTables(tx, names)
    },
    insert: (table, rows) => insert(tx, table, rows),
    async migrate() {
      const applied = await appliedMigrations(tx)
      const pending = Object.keys(migrations)
        .filter((name) => !applied.includes(name))
        .toSorted()
      await apply(tx, pending)
      return pending
    },
    endings: {
      handedOut: () => handedOut(tx),
      async setGenerations(generation) {
        await tx.updateTable('credentials').set({ generation }).execute()
      },
      async setSequence(value) {
        await tx.updateTable('sequences').set({ value }).where('name', '=', 'revocations').execute()
      },
      async voidLinks(now) {
        const unconfirmed = await endUnsettledLinks(tx, 'restored', now)
        for (const part of inParts(unconfirmed)) {
          await tx.updateTable('credentials').set({ revoked_at: now }).where('id', 'in', part).execute()
          await tx
            .updateTable('certificates')
            .set({ revoked_at: now, revocation_reason: 'cessationOfOperation' })
            .where('credential_id', 'in', part)
            .where('revoked_at', 'is', null)
            .execute()
        }
      },
      async dropNotices() {
        await tx.deleteFrom('notices').where('sealed', 'is not', null).execute()
      },
      revocations: revocationWrites(tx, touched),
      signingKeys: signingKeyWrites(tx, touched),
    },
    record: (sealer, context, event) => appendRow(tx, sealer, context, event),
  }
}

async function handedOut(tx: Kysely<Schema>): Promise<HandedOut> {
  const credentials = await tx
    .selectFrom('credentials')
    .select((select) => select.fn.max('generation').as('generation'))
    .executeTakeFirst()
  const sequences = await tx
    .selectFrom('sequences')
    .select('value')
    .where('name', '=', 'revocations')
    .executeTakeFirst()
  return { generation: credentials?.generation ?? 0, sequence: sequences?.value ?? 0 }
}

/** Removes our own tables, and none that somebody else keeps in the same database. */
async function removeTables(tx: Kysely<Schema>): Promise<void> {
  const shape = (await schemaShape(await appliedMigrations(tx))) ?? []
  for (const { name } of shape.toReversed()) await tx.schema.dropTable(name).execute()
}

/** What kysely's migrator keeps its account in; it makes what is missing of it at the next start. */
const account = 'kysely_migration'

async function makeTables(tx: Kysely<Schema>, names: readonly string[]): Promise<void> {
  await tx.schema
    .createTable(account)
    .ifNotExists()
    .addColumn('name', 'varchar(255)', (c) => c.notNull().primaryKey())
    .addColumn('timestamp', 'varchar(255)', (c) => c.notNull())
    .execute()
  await sql`delete from ${sql.table(account)}`.execute(tx)
  await apply(tx, names)
  // What a migration puts in itself is in the backup as well.
  const shape = (await schemaShape(names)) ?? []
  for (const { name } of shape.toReversed()) await sql`delete from ${sql.table(name)}`.execute(tx)
}

/** Runs migrations by hand: the migrator wants a transaction of its own. */
async function apply(tx: Kysely<Schema>, names: readonly string[]): Promise<void> {
  const timestamp = new Date().toISOString()
  for (const name of names) {
    await migrations[name]?.up(tx)
    await sql`insert into ${sql.table(account)} (name, timestamp) values (${name}, ${timestamp})`.execute(tx)
  }
}

async function insert(tx: Kysely<Schema>, table: TableShape, rows: readonly BackupRow[]): Promise<void> {
  const columns = sql.join(table.columns.map((column) => sql.ref(column)))
  const rowsPerStatement = Math.floor(maxParameters / table.columns.length)
  for (let from = 0; from < rows.length; from += rowsPerStatement) {
    const values = rows.slice(from, from + rowsPerStatement).map((row) => sql`(${sql.join(row)})`)
    await sql`insert into ${sql.table(table.name)} (${columns}) values ${sql.join(values)}`.execute(tx)
  }
}
