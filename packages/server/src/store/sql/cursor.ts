import { UnreadableCursor } from '../../kernel/unreadable-cursor.ts'

/** The place of the last row of a page, in the order (time, id). */
export interface Cursor {
  readonly at: number
  readonly id: string
}

export function encodeCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify([cursor.at, cursor.id])).toString('base64url')
}

/** Reads a cursor. Throws UnreadableCursor: a script that pages with a damaged one must not begin anew for ever. */
export function decodeCursor(text: string | undefined): Cursor | undefined {
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    const [at, id] = Array.isArray(value) ? (value as unknown[]) : []
    if (typeof at === 'number' && typeof id === 'string') return { at, id }
  } catch {
    // Not JSON.
  }
  throw new UnreadableCursor()
}
