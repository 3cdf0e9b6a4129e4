import { sql, type Kysely } from 'kysely'
import type { BackupSnapshot, BackupSource, BackupValue, TableShape } from '../../backup/ports.ts'
import { noRows } from '../../audit/log/checkpoint.ts'
import { appliedMigrations } from '../migrations/index.ts'
import { schemaShape } from '../schema-shape.ts'
import type { Schema } from './schema.ts'

/** Tables that no backup holds, each with its reason. */
export const tablesLeftOut: Readonly<Record<string, string>> = {
  change_notices: 'tells servers in contact what to read anew; after a restore every server starts',
  presences: 'tells servers in contact who else serves; after a restore every server starts',
}

/** What differs between backends when all of a database is read at one moment. */
export interface SnapshotDialect {
  /** Opens a transaction that sees one moment for as long as it lasts, and that no writer waits for. */
  begin(): Promise<{ readonly db: Kysely<Schema>; readonly end: () => Promise<void> }>
  /** All rows of a table, in pages of some hundred. */
  pages(db: Kysely<Schema>, table: TableShape): AsyncIterable<readonly Readonly<Record<string, BackupValue>>[]>
}

/** Rows in a page: some hundred kilobytes, read in a millisecond or two. */
export const rowsPerPage = 500

export function backupSource(dialect: SnapshotDialect): BackupSource {
  return {
    async snapshot(): Promise<BackupSnapshot> {
      const { db, end } = await dialect.begin()
      try {
        return { ...(await describe(db, dialect)), [Symbol.asyncDispose]: end }
      } catch (error) {
        await end()
        throw error
      }
    },
  }
}

async function describe(
  db: Kysely<Schema>,
  dialect: SnapshotDialect,
): Promise<Omit<BackupSnapshot, typeof Symbol.asyncDispose>> {
  const migrations = await appliedMigrations(db)
  const lastRow = await db
    .selectFrom('audit_rows')
    .select(['sequence', 'mac'])
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst()
  const tables = []
  for (const table of await tablesOf(migrations)) tables.push({ ...table, rows: await countRows(db, table.name) })
  return {
    migrations,
    tables,
    lastRow: lastRow ?? noRows,
    async *rows(table) {
      for await (const page of dialect.pages(db, table)) {
        yield page.map((row) => table.columns.map((column) => row[column] ?? null))
      }
    },
  }
}

/** What a backup at this point of the schema holds. Throws when the schema is not known here, which a server that runs has ruled out. */
async function tablesOf(migrations: readonly string[]): Promise<readonly TableShape[]> {
  const shape = await backupShape(migrations)
  if (shape === undefined) throw new Error(`unknown migrations: ${migrations.join(', ')}`)
  return shape
}

/** The tables of a backup that was made at this point of the schema. `undefined` when a migration is not known here. */
export async function backupShape(migrations: readonly string[]): Promise<readonly TableShape[] | undefined> {
  return (await schemaShape(migrations))?.filter(({ name }) => !(name in tablesLeftOut))
}

async function countRows(db: Kysely<Schema>, table: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*) as n from ${sql.table(table)}`.execute(db)
  return rows[0]?.n ?? 0
}

/** The columns of a table, for a select. */
export function columnList({ columns }: TableShape): ReturnType<typeof sql.join> {
  return sql.join(columns.map((column) => sql.ref(column)))
}
