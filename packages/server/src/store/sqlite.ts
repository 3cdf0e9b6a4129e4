import { closeSync, existsSync, openSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { Kysely, sql, SqliteAdapter, SqliteDialect, type SqliteDatabase } from 'kysely'
import { describeError, Fault } from '../kernel/faults.ts'
import { setDialect, type Dialect } from './sql/dialect.ts'
import type { Schema } from './sql/schema.ts'
import { refuseUnstorable } from './sql/storable.ts'

/** How long a statement waits for another process that holds the file, in milliseconds. It blocks this process: keep it short. */
const busyTimeoutMs = 50

/**
 * Opens an embedded database: WAL, and `synchronous=FULL`, so that a commit that was answered survives the loss of power.
 * One process owns the file; the data directory's lock sees to that. A file that it makes is for this user alone (0600).
 * Throws Fault `store.corrupt` when the file is no database, `store.unavailable` when it cannot be opened and written now.
 */
export function openSqlite(path: string): Kysely<Schema> {
  let database: DatabaseSync | undefined
  try {
    // SQLite gives the files beside it the same mode.
    if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600))
    database = new DatabaseSync(path, { timeout: busyTimeoutMs, enableForeignKeyConstraints: true })
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF')
    database.prepare('SELECT count(*) FROM sqlite_schema').get()
    // A file that cannot be written, or that somebody else is writing, is better noticed now than by the first change.
    // Begun for writing, SQLite still takes a read-only file: only a write finds out.
    database.exec('BEGIN IMMEDIATE; PRAGMA user_version = 0; ROLLBACK')
  } catch (error) {
    database?.close()
    throw cannotOpen(path, error)
  }
  return kyselyOn(database)
}

/** Opens an embedded database beside whoever owns it, for reading alone: with WAL, readers and the writer do not wait for each other. */
export function openSqliteReader(path: string): Kysely<Schema> {
  return kyselyOn(reporting(() => new DatabaseSync(path, { timeout: busyTimeoutMs, readOnly: true })))
}

/** A database that is gone with its handle. */
export function openSqliteInMemory(): Kysely<Schema> {
  return kyselyOn(new DatabaseSync(':memory:'))
}

function kyselyOn(database: DatabaseSync): Kysely<Schema> {
  const db = new Kysely<Schema>({ dialect: new EmbeddedDialect({ database: asKyselyDatabase(database) }) })
  setDialect(db, embedded)
  return db
}

/** One process, one connection: what happens between other processes does not happen here. */
const embedded: Dialect = {
  ofOneMoment: (db, reads) => db.transaction().execute(reads),
  giveWay: () => Promise.resolve(),
  wakeOthers: () => Promise.resolve(),
  whileNobodyElseMigrates: (db, work) => work(db),
  schemaName: () => Promise.resolve(undefined),
  // Its clock is this machine's.
  now: () => Promise.resolve(undefined),
  async checkSoundness(db) {
    const { rows } = await sql<{ quick_check: string }>`pragma quick_check(1)`.execute(db)
    return rows[0]?.quick_check ?? 'no answer'
  },
}

/** SQLite rolls back changes of the schema like any other; kysely does not use it, and would leave half a migration behind. */
class EmbeddedAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

class EmbeddedDialect extends SqliteDialect {
  override createAdapter(): SqliteAdapter {
    return new EmbeddedAdapter()
  }
}

function cannotOpen(path: string, cause: unknown): Fault {
  const message = `cannot open the database ${path}: ${describeError(cause)}`
  if (damaged.has(resultCode(cause))) {
    return new Fault('store.corrupt', message, 'point to a Latchkey database, or restore a backup', { cause })
  }
  const remedy = 'make the file and its directory writable for this user, and stop other programs that write to it'
  return new Fault('store.unavailable', message, remedy, { cause })
}

/** Kysely's SQLite dialect is written for another driver's statement shape; node:sqlite differs in names only. */
function asKyselyDatabase(database: DatabaseSync): SqliteDatabase {
  return {
    close: () => {
      database.close()
    },
    prepare(text) {
      const statement = reporting(() => database.prepare(text))
      return {
        reader: statement.columns().length > 0,
        all: (parameters) => reporting(() => statement.all(...storable(parameters))),
        run: (parameters) => reporting(() => statement.run(...storable(parameters))),
        iterate: (parameters) => reporting(() => statement.iterate(...storable(parameters))),
      }
    },
  }
}

function storable(parameters: readonly unknown[]): SQLInputValue[] {
  refuseUnstorable(parameters)
  return parameters as SQLInputValue[]
}

/** Primary result codes that mean a mistake of ours rather than a database that is away: SQLITE_ERROR, CONSTRAINT, MISMATCH, MISUSE, RANGE. */
const ourMistakes = new Set([1, 19, 20, 21, 25])

/** SQLITE_CORRUPT, NOTADB. */
const damaged = new Set([11, 26])

/** The primary result code that SQLite gave; NaN for an error that is not SQLite's. */
function resultCode(error: unknown): number {
  const code = (error as { readonly errcode?: unknown }).errcode
  return typeof code === 'number' ? code & 0xff : NaN
}

/** Turns every failure of the database itself (busy, full, read-only, I/O, corrupt) into Fault `store.unavailable`. */
function reporting<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof TypeError || ourMistakes.has(resultCode(error))) throw error
    throw new Fault(
      'store.unavailable',
      `the database did not do its work: ${describeError(error)}`,
      'look at disk space, permissions and other users of the file',
      { cause: error },
    )
  }
}
