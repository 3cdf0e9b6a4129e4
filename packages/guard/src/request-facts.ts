/** All that a guard is told of a request. What a later check needs (address, certificate) joins here. */
export interface RequestFacts {
  /** The value of every Authorization field line, in order. A merged or first-wins value would hide a second one. */
  readonly authorization: readonly string[]
}

/**
 * Reads the facts from raw headers (name, value, name, value …) as node:http gives them.
 * Not from `request.headers`, which silently drops every Authorization header but the first.
 */
export function readRequestFacts(rawHeaders: readonly string[]): RequestFacts {
  const authorization: string[] = []
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() === 'authorization') authorization.push(rawHeaders[i + 1] ?? '')
  }
  return { authorization }
}
