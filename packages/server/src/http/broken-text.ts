/** What is to be said of a text that {@link findBrokenText} found. */
export const brokenText = 'holds a NUL or half of a surrogate pair'

/**
 * Finds NUL and lone surrogates wherever they stand in a request: no database keeps them all, and what cannot be stored as it was sent must not be
 * accepted. Names are looked at as well as values. Answers with the path of the first place, or undefined.
 */
export function findBrokenText(input: unknown): readonly string[] | undefined {
  // A stack of its own: a request may be nested deeper than calls may.
  const waiting: (readonly [path: readonly string[], value: unknown])[] = [[[], input]]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [path, value] = next
    if (typeof value === 'string' && isBroken(value)) return path
    if (typeof value !== 'object' || value === null) continue
    for (const [name, part] of Object.entries(value)) {
      if (isBroken(name)) return path
      // Deeper than any operation looks: the schema refuses it, and a path of that length would help nobody.
      const place = path.length < maxDepth ? [...path, name] : path
      waiting.push([place, part])
    }
  }
  return undefined
}

const maxDepth = 12

function isBroken(text: string): boolean {
  return !text.isWellFormed() || text.includes('\0')
}
