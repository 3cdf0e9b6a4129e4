import type { EpochMs } from '@latchkey/protocol'
import type { ChangeContext } from '../audit/change.ts'
import type { AdminEvent, AuditRow } from '../audit/events.ts'
import type { RowPosition } from '../audit/log/checkpoint.ts'
import type { SigningKeyWrites } from '../keys/ports.ts'
import type { RevocationWrites } from '../tokens/ports.ts'

/** What a column can hold, on every backend alike: text, a whole number, or nothing. */
export type BackupValue = string | number | null

export type BackupRow = readonly BackupValue[]

/** A table as a backup names it. */
export interface TableShape {
  readonly name: string
  readonly columns: readonly string[]
}

/** One moment of the whole database, however long it is read. Given back by disposing it. */
export interface BackupSnapshot extends AsyncDisposable {
  /** Names of the migrations that made the schema, in order. */
  readonly migrations: readonly string[]
  /** In an order in which nothing refers to a table that comes later. */
  readonly tables: readonly (TableShape & { readonly rows: number })[]
  /** The newest administrative row. */
  readonly lastRow: RowPosition
  /** Pages of a table's rows, each row's values in the order of the columns. */
  rows(table: TableShape): AsyncIterable<readonly BackupRow[]>
}

export interface BackupSource {
  /** Throws Fault `store.unavailable`. */
  snapshot(): Promise<BackupSnapshot>
}

/** What the database holds before a restore. */
export interface TargetState {
  /** Whether no installation was ever made in it. */
  readonly isEmpty: boolean
  /** Programs in contact with it beside this one, in words; empty where there can be none. */
  readonly others: readonly string[]
}

/** The highest numbers that a database has handed out; 0 where it never did. */
export interface HandedOut {
  /** Of any credential. */
  readonly generation: number
  /** Of the revocation feed. */
  readonly sequence: number
}

export interface RestoreTarget {
  /** Throws Fault `schema.newer` when a newer version made it. */
  state(): Promise<TargetState>
  /** The tables of a backup at this point of the schema; `undefined` when a migration is not known here. */
  shape(migrations: readonly string[]): Promise<readonly TableShape[] | undefined>
  /** Runs a restore in one transaction, so that a failure leaves everything as it was. */
  transaction<T>(work: (tx: RestoreTransaction) => Promise<T>): Promise<T>
}

/** The steps of a restore, each after the one before it. */
export interface RestoreTransaction {
  /** Of what is there before. */
  handedOut(): Promise<HandedOut>
  /** Changes behind this row, if the chain that is there before goes on from the very same row; `limit` at most. */
  changesAfter(row: RowPosition, limit: number): Promise<readonly AuditRow[]>
  /** Removes what is there and makes the empty tables of these migrations. */
  begin(migrations: readonly string[]): Promise<void>
  insert(table: TableShape, rows: readonly BackupRow[]): Promise<void>
  /** Brings the schema up to date; answers the migrations that this took. */
  migrate(): Promise<readonly string[]>
  readonly endings: RestoreEndings
  /** Appends the administrative row that says so. */
  record(sealer: RowSealer, context: ChangeContext, event: AdminEvent): Promise<void>
}

/** What chains an administrative row to the one before it. */
export interface RowSealer {
  readonly keyId: () => string
  readonly chain: (previousMac: string, row: Omit<AuditRow, 'mac'>) => string
}

/** What is done to the restored rows before anybody uses them. */
export interface RestoreEndings {
  /** Of the restored rows. */
  handedOut(): Promise<HandedOut>
  /** Gives every credential this generation. */
  setGenerations(generation: number): Promise<void>
  /** Sets the feed's newest sequence. */
  setSequence(sequence: number): Promise<void>
  /** Ends every delivery link that could still be claimed, and revokes the credentials that were shown and never confirmed. */
  voidLinks(now: EpochMs): Promise<void>
  /** Forgets messages that were not sent yet. */
  dropNotices(): Promise<void>
  readonly revocations: RevocationWrites
  readonly signingKeys: SigningKeyWrites
}
