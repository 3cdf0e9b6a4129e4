import { invalidRequest } from './invalid-request.ts'

/**
 * Refuses NUL and lone surrogates wherever they stand in a request: no database keeps them all, and what cannot be stored as it was sent must not be
 * accepted. Names are looked at as well as values. Throws ProblemError `request.invalid`, naming the first place.
 */
export function refuseBrokenText(input: Readonly<Record<string, unknown>>): void {
  // A stack of its own: a request may be nested deeper than calls may.
  const waiting: (readonly [path: readonly string[], value: unknown])[] = [[[], input]]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [path, value] = next
    if (typeof value === 'string') refuse(path, value)
    if (typeof value !== 'object' || value === null) continue
    for (const [name, part] of Object.entries(value)) {
      refuse(path, name)
      // Deeper than any operation looks: the schema refuses it, and a path of that length would help nobody.
      const place = path.length < maxDepth ? [...path, name] : path
      waiting.push([place, part])
    }
  }
}

const maxDepth = 8

function refuse(path: readonly string[], text: string): void {
  if (text.isWellFormed() && !text.includes('\0')) return
  throw invalidRequest([{ path, message: 'holds a NUL or half of a surrogate pair' }])
}
