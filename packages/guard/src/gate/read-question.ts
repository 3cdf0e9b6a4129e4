import type { IncomingMessage } from 'node:http'
import { nodeConnection } from '../node-request.ts'
import { factHeaders, factsOf, readHeaderLines, wantedHeaders, type RequestFacts } from '../request-facts.ts'
import { checkPath, type ProxyKind } from './proxy-kind.ts'

/** What a proxy asks about. */
export interface Question {
  readonly facts: RequestFacts
  /** The proxy's own id of the request, or none. */
  readonly requestId: string | undefined
}

/**
 * Reads the call that a proxy of this kind asks about; undefined where the path is none to ask at. A header that is missing, or comes twice, was not set by one proxy:
 * then method or target are unknown, and no rule matches. Does not check who asks.
 */
export function questionReader({
  methodHeader,
  targetHeader,
}: ProxyKind): (request: IncomingMessage) => Question | undefined {
  const own = [methodHeader, targetHeader].filter((name) => name !== undefined)
  const wanted = wantedHeaders([...factHeaders, 'x-request-id', ...own] as const)
  return ({ rawHeaders, socket, method, url = '' }) => {
    // Caddy leaves its caller's query where it asks.
    const path = targetHeader === undefined ? url.slice(0, checkPath.length) : url.split('?', 1)[0]
    if (path !== checkPath) return undefined
    const lines = readHeaderLines(rawHeaders, wanted)
    const call = {
      method: methodHeader === undefined ? method : single(lines[methodHeader]),
      target: targetHeader === undefined ? url.slice(checkPath.length) : single(lines[targetHeader]),
    }
    const requestId = single(lines['x-request-id'])
    return {
      facts: factsOf(lines, nodeConnection(socket), call),
      requestId: requestId !== undefined && /^[\w.-]{1,64}$/.test(requestId) ? requestId : undefined,
    }
  }
}

function single(lines: readonly string[] | undefined): string | undefined {
  return lines?.length === 1 ? lines[0] : undefined
}
