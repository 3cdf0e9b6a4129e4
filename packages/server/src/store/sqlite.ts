import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { Kysely, SqliteDialect, type SqliteDatabase } from 'kysely'
import { describeError, Fault } from '../kernel/faults.ts'
import type { Schema } from './sql/schema.ts'

/** How long a statement waits for another process that holds the file, in milliseconds. It blocks this process: keep it short. */
const busyTimeoutMs = 250

/**
 * Opens an embedded database: WAL, and `synchronous=FULL`, so that a commit that was answered survives the loss of power.
 * One process owns the file; the data directory's lock sees to that. Throws a Fault when the file cannot be opened or is no database.
 */
export function openSqlite(path: string): Kysely<Schema> {
  let database: DatabaseSync
  try {
    database = new DatabaseSync(path, { timeout: busyTimeoutMs, enableForeignKeyConstraints: true })
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF')
    database.prepare('SELECT count(*) FROM sqlite_schema').get()
  } catch (error) {
    throw new Fault(
      'store.corrupt',
      `cannot open the database ${path}: ${describeError(error)}`,
      'check that the file is readable and is a Latchkey database, or restore a backup',
      { cause: error },
    )
  }
  return new Kysely<Schema>({ dialect: new SqliteDialect({ database: asKyselyDatabase(database) }) })
}

/** Kysely's SQLite dialect is written for another driver's statement shape; node:sqlite differs in names only. */
function asKyselyDatabase(database: DatabaseSync): SqliteDatabase {
  return {
    close: () => {
      database.close()
    },
    prepare(sql) {
      const statement = database.prepare(sql)
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => statement.all(...(parameters as SQLInputValue[])),
        run: (parameters) => {
          const { changes, lastInsertRowid } = statement.run(...(parameters as SQLInputValue[]))
          return { changes: BigInt(changes), lastInsertRowid: BigInt(lastInsertRowid) }
        },
        iterate: (parameters) => statement.iterate(...(parameters as SQLInputValue[])),
      }
    },
  }
}
