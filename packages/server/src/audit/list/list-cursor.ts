import { UnreadableCursor } from '../../kernel/unreadable-cursor.ts'
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
  /** Whether earlier pages had entries. */
  readonly hasFound: boolean
  /** Whether a request id is being looked for at any time, because it was not found at its own. */
  readonly atAnyTime: boolean
}

export function encodeListCursor({ begunAt, beforeRow, begunLogsFrom, logs, hasFound, atAnyTime }: ListCursor): string {
  const places = [...logs].map(([id, { segment, offset }]) => [id, segment, offset])
  return Buffer.from(JSON.stringify([begunAt, beforeRow, begunLogsFrom ?? -1, places, hasFound, atAnyTime])).toString(
    'base64url',
  )
}

/** Reads a cursor; `undefined` when none was given. Throws {@link UnreadableCursor} for what is none. */
export function decodeListCursor(text: string | undefined): ListCursor | undefined {
  if (text === undefined) return undefined
  const cursor = readCursor(text)
  if (cursor === undefined) throw new UnreadableCursor()
  return cursor
}

function readCursor(text: string): ListCursor | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    if (!Array.isArray(value)) return undefined
    const [begunAt, beforeRow, begunLogsFrom, places, hasFound, atAnyTime] = value as unknown[]
    if (!isCount(begunAt) || !isCount(beforeRow) || typeof begunLogsFrom !== 'number') return undefined
    if (!Array.isArray(places) || typeof hasFound !== 'boolean' || typeof atAnyTime !== 'boolean') return undefined
    const logs = new Map<string, LogPlace>()
    for (const place of places as unknown[]) {
      if (!Array.isArray(place)) return undefined
      const [id, segment, offset] = place as unknown[]
      if (typeof id !== 'string' || !isCount(segment) || !isCount(offset)) return undefined
      logs.set(id, { segment, offset })
    }
    return {
      begunAt,
      beforeRow,
      begunLogsFrom: begunLogsFrom === -1 ? undefined : begunLogsFrom,
      logs,
      hasFound,
      atAnyTime,
    }
  } catch {
    return undefined
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
