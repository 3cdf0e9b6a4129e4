/** The place of the last row of a page, in the order (time, id). */
export interface Cursor {
  readonly at: number
  readonly id: string
}

export function encodeCursor(cursor: Cursor): string {
  return Buffer.from(JSON.stringify([cursor.at, cursor.id])).toString('base64url')
}

/** Reads a cursor; what is none begins the list anew, since a cursor only ever chooses where in the caller's own list to go on. */
export function decodeCursor(text: string | undefined): Cursor | undefined {
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    if (!Array.isArray(value)) return undefined
    const [at, id] = value as unknown[]
    return typeof at === 'number' && typeof id === 'string' ? { at, id } : undefined
  } catch {
    return undefined
  }
}
