import type { DataKeys } from '../../keys/data-keys.ts'
import type { RowPosition } from './checkpoint.ts'
import type { TokenEvent } from './token-events.ts'

/*
 * A segment is a file of JSON lines. Records are numbered without gaps over the whole log; a group of records written together is followed by
 * a seal: the number of its last record, the data key, and HMAC-SHA-256 over the previous seal's MAC and the group's bytes.
 * The first record of a segment names log, segment and previous MAC, so that a segment can be checked after older ones have expired.
 */

/** The MAC before a log's first group. */
export const initialMac: string = ''

/** A record as read back. */
export interface LogRecord extends TokenEvent {
  readonly n: number
}

export interface Seal {
  /** Number of the last record under this seal. */
  readonly n: number
  readonly keyId: string
  readonly mac: string
}

export function segmentFileName(segment: number): string {
  return `${String(segment).padStart(8, '0')}.jsonl`
}

/** The number in a segment's file name; `undefined` for any other file. */
export function segmentNumber(fileName: string): number | undefined {
  const match = /^(\d{8})\.jsonl$/.exec(fileName)
  return match === null ? undefined : Number(match[1])
}

/** One record as a line; keys are short because there are millions of lines. */
export function formatRecord(n: number, event: TokenEvent): string {
  return `${JSON.stringify({
    n,
    at: event.at,
    id: event.requestId,
    ev: event.event,
    client: event.clientId,
    addr: event.address,
    ...event.details,
  })}\n`
}

export function formatSeal(seal: Seal): string {
  return `{"seal":"${seal.mac}","n":${seal.n},"key":"${seal.keyId}"}\n`
}

/** The MAC over one group: bound to the log and to the group before. */
export function groupMac(
  dataKeys: DataKeys,
  keyId: string,
  logId: string,
  previousMac: string,
  group: string | Buffer,
): string {
  return dataKeys.hmac('audit-mac', keyId, `latchkey audit log ${logId}\n${previousMac}\n`, group).toString('base64url')
}

/** Reads a line as a record or a seal; `undefined` when it is neither. */
export function parseLine(line: string): { readonly record: LogRecord } | { readonly seal: Seal } | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const fields = value as Record<string, unknown>
  if (typeof fields['seal'] === 'string' && typeof fields['n'] === 'number' && typeof fields['key'] === 'string') {
    return { seal: { mac: fields['seal'], n: fields['n'], keyId: fields['key'] } }
  }
  const { n, at, id, ev, client, addr, ...details } = fields
  if (typeof n !== 'number' || typeof at !== 'number' || typeof ev !== 'string') return undefined
  const record = { n, at, event: ev, requestId: id ?? '', clientId: client ?? '', address: addr ?? '', details }
  return { record: record as unknown as LogRecord }
}

/** The administrative rows that a group's records of a segment's begin or a log's end vouch for. Proves nothing before the seal is checked. */
export function readVouchedRows(records: Buffer): RowPosition[] {
  if (!records.includes('"row_mac":"')) return []
  const rows: RowPosition[] = []
  for (const line of records.toString().split('\n')) {
    const parsed = parseLine(line)
    if (parsed === undefined || !('record' in parsed)) continue
    const { event, details } = parsed.record
    const { row, row_mac: mac } = details
    if (event !== 'segment.opened' && event !== 'log.closed') continue
    if (typeof row === 'number' && typeof mac === 'string') rows.push({ sequence: row, mac })
  }
  return rows
}

/** What the first record of a segment says about it. */
export interface SegmentHeader {
  readonly log: string
  readonly segment: number
  /** The last seal of the segment before. */
  readonly previous: string
}

/** Reads a group's first record as a segment's header; `undefined` when it is none. Proves nothing before the group's seal is checked. */
export function readSegmentHeader(records: Buffer): SegmentHeader | undefined {
  const end = records.indexOf(10)
  const parsed = parseLine(records.toString('utf8', 0, end === -1 ? records.length : end))
  if (parsed === undefined || !('record' in parsed) || parsed.record.event !== 'segment.opened') return undefined
  const { log, segment, previous } = parsed.record.details
  if (typeof log !== 'string' || typeof segment !== 'number' || typeof previous !== 'string') return undefined
  return { log, segment, previous }
}
