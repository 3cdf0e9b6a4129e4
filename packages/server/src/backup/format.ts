import type { EpochMs } from '@latchkey/protocol'
import type { RowPosition } from '../audit/log/checkpoint.ts'
import type { BackupValue, TableShape } from './ports.ts'

/*
 * A backup is gzip over lines of JSON: a header, a line for each row (the table's name, then its values in the order of the header's columns),
 * and an end. The end holds a MAC over everything before it: HMAC-SHA-256 under the data key `key_id`, over the SHA-256 of those bytes. That
 * key is itself in the backup, sealed under the master key, which is not: so only who has the master key can check a backup, or make one that
 * passes. The same on every backend.
 */
export const backupFormat = 1

/** Longest line that is read, in characters: a backup that was tampered with must not fill the memory before its MAC is checked. */
export const maxLineLength: number = 4 * 1024 * 1024

export interface BackupHeader {
  readonly latchkey_backup: typeof backupFormat
  /** The version that made it. */
  readonly version: string
  readonly issuer: string
  /** Milliseconds since 1970. */
  readonly made_at: EpochMs
  readonly migrations: readonly string[]
  /** The newest administrative row in it. */
  readonly last_row: RowPosition
  readonly tables: readonly (TableShape & { readonly rows: number })[]
  /** The data key of the MAC. */
  readonly key_id: string
}

export type BackupLine =
  | { readonly kind: 'header'; readonly header: BackupHeader }
  | { readonly kind: 'row'; readonly table: string; readonly values: readonly BackupValue[] }
  | { readonly kind: 'end'; readonly mac: string }

export function headerLine(header: BackupHeader): string {
  return `${JSON.stringify(header)}\n`
}

export function rowLine(table: string, values: readonly BackupValue[]): string {
  return `${JSON.stringify([table, ...values])}\n`
}

export function endLine(mac: string): string {
  return `${JSON.stringify({ end: true, mac })}\n`
}

/** Reads one line; `undefined` when it is none of ours. */
export function parseLine(text: string): BackupLine | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (Array.isArray(value)) return parseRow(value)
  if (typeof value !== 'object' || value === null) return undefined
  if ('latchkey_backup' in value) return isHeader(value) ? { kind: 'header', header: value } : undefined
  if ('end' in value && 'mac' in value && typeof value.mac === 'string') return { kind: 'end', mac: value.mac }
  return undefined
}

function parseRow([table, ...values]: readonly unknown[]): BackupLine | undefined {
  if (typeof table !== 'string' || !values.every((value) => isBackupValue(value))) return undefined
  return { kind: 'row', table, values }
}

export function isBackupValue(value: unknown): value is BackupValue {
  return value === null || typeof value === 'string' || Number.isSafeInteger(value)
}

function isHeader(value: object): value is BackupHeader {
  const { latchkey_backup, version, issuer, made_at, migrations, last_row, tables, key_id } =
    value as Partial<BackupHeader>
  return (
    latchkey_backup === backupFormat &&
    [version, issuer, key_id, last_row?.mac].every((text) => typeof text === 'string') &&
    [made_at, last_row?.sequence].every((number) => Number.isSafeInteger(number)) &&
    areTexts(migrations) &&
    Array.isArray(tables) &&
    (tables as readonly Partial<BackupHeader['tables'][number]>[]).every(
      ({ name, columns, rows }) => typeof name === 'string' && areTexts(columns) && Number.isSafeInteger(rows),
    )
  )
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
