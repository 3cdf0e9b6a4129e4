import type { Kysely } from 'kysely'
import type { Schema } from './schema.ts'

/** What shared SQL leaves to each kind of database: everything in which they differ is named here, so that nothing else asks which one it is. */
export interface Dialect {
  /** Reads that see the database as it was at one moment. */
  ofOneMoment<T>(db: Kysely<Schema>, reads: (tx: Kysely<Schema>) => Promise<T>): Promise<T>
  /** First in a transaction that only notes something by the way: it gives up soon rather than stand in a change's way. */
  giveWay(tx: Kysely<Schema>): Promise<void>
  /** In a change: wakes the processes that listen, once it commits. They are told no more than the sequence. */
  wakeOthers(tx: Kysely<Schema>, sequence: number): Promise<void>
  /** Does `work` while no other process migrates; `db` as migrations must see it. */
  whileNobodyElseMigrates(db: Kysely<Schema>, work: (db: Kysely<Schema>) => Promise<void>): Promise<void>
  /** Where tables are made; undefined where there is one place only. Throws Fault `store.unavailable` when there is none. */
  schemaName(db: Kysely<Schema>): Promise<string | undefined>
  /** Milliseconds since 1970 by the clock of the database; undefined where it has none of its own. */
  now(db: Kysely<Schema>): Promise<number | undefined>
  /** The database's own check of itself; `ok` when it is sound. */
  checkSoundness(db: Kysely<Schema>): Promise<string>
}

const dialects = new WeakMap<object, Dialect>()

/** Says how the database behind `db` behaves; found again from every transaction on it. */
export function setDialect(db: Kysely<Schema>, dialect: Dialect): void {
  dialects.set(db.getExecutor().adapter, dialect)
}

export function dialectOf(db: Kysely<Schema>): Dialect {
  const dialect = dialects.get(db.getExecutor().adapter)
  if (dialect === undefined) throw new Error('a database without a dialect')
  return dialect
}

/** Reads that see the database as it was at one moment, whatever commits meanwhile. */
export function ofOneMoment<T>(db: Kysely<Schema>, reads: (tx: Kysely<Schema>) => Promise<T>): Promise<T> {
  return dialectOf(db).ofOneMoment(db, reads)
}
