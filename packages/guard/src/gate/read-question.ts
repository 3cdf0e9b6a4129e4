import type { IncomingMessage } from 'node:http'
import { nodeConnection } from '../node-request.ts'
import { readRequestFacts, type RequestFacts } from '../request-facts.ts'
import { checkPath, type ProxyKind } from './proxy-kind.ts'

/** What a proxy asks about. */
export interface Question {
  readonly facts: RequestFacts
  /** The proxy's own id of the request, or none. */
  readonly requestId: string | undefined
}

/**
 * Reads the call that a proxy asks about; undefined where the path is none to ask at. A header that is missing, or comes twice, was not set by one proxy: then
 * method or target are unknown, and no rule matches. Does not check who asks.
 */
export function readQuestion(request: IncomingMessage, kind: ProxyKind): Question | undefined {
  const { rawHeaders, socket, method, url = '' } = request
  const { methodHeader, targetHeader } = kind
  // Caddy leaves its caller's query where it asks.
  const path = targetHeader === undefined ? url.slice(0, checkPath.length) : url.split('?', 1)[0]
  if (path !== checkPath) return undefined
  const told = readLines(rawHeaders, [methodHeader, targetHeader, 'x-request-id'])
  const call = {
    method: methodHeader === undefined ? method : told[0],
    target: targetHeader === undefined ? url.slice(checkPath.length) : told[1],
  }
  const requestId = told[2]
  return {
    facts: readRequestFacts(rawHeaders, nodeConnection(socket), call),
    requestId: requestId !== undefined && /^[\w.-]{1,64}$/.test(requestId) ? requestId : undefined,
  }
}

/** The value of each header that comes once; undefined for the others. */
function readLines(rawHeaders: readonly string[], names: readonly (string | undefined)[]): (string | undefined)[] {
  const found: (string | undefined)[] = names.map(() => undefined)
  const counts: number[] = names.map(() => 0)
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const at = names.indexOf(rawHeaders[i]?.toLowerCase())
    if (at === -1) continue
    const count = (counts[at] ?? 0) + 1
    counts[at] = count
    found[at] = count === 1 ? rawHeaders[i + 1] : undefined
  }
  return found
}
