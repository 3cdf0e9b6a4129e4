import type { LogPlace } from './log-entries.ts'

/** Where a list of audit entries goes on. */
export interface ListCursor {
  /** When the first page was asked for: logs that were opened later are not part of this list. */
  readonly begunAt: number
  /** Rows with lower numbers come next. */
  readonly beforeRow: number
  /** Logs whose last entry is at least this late have been begun; `undefined` when none has. */
  readonly begunLogsFrom: number | undefined
  /** Of the logs that were begun, those that are not finished. */
  readonly logs: ReadonlyMap<string, LogPlace>
}

export function encodeListCursor({ begunAt, beforeRow, begunLogsFrom, logs }: ListCursor): string {
  const places = [...logs].map(([id, { segment, offset }]) => [id, segment, offset])
  return Buffer.from(JSON.stringify([begunAt, beforeRow, begunLogsFrom ?? -1, places])).toString('base64url')
}

/** Reads a cursor; what is none begins the list anew, since a cursor only ever chooses where to go on. */
export function decodeListCursor(text: string | undefined): ListCursor | undefined {
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    if (!Array.isArray(value)) return undefined
    const [begunAt, beforeRow, begunLogsFrom, places] = value as unknown[]
    if (!isCount(begunAt) || !isCount(beforeRow) || typeof begunLogsFrom !== 'number' || !Array.isArray(places))
      return undefined
    const logs = new Map<string, LogPlace>()
    for (const place of places as unknown[]) {
      if (!Array.isArray(place)) return undefined
      const [id, segment, offset] = place as unknown[]
      if (typeof id !== 'string' || !isCount(segment) || !isCount(offset)) return undefined
      logs.set(id, { segment, offset })
    }
    return { begunAt, beforeRow, begunLogsFrom: begunLogsFrom === -1 ? undefined : begunLogsFrom, logs }
  } catch {
    return undefined
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
