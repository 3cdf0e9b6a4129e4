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
  const call = {
    method: methodHeader === undefined ? method : onlyLine(rawHeaders, methodHeader),
    target: targetHeader === undefined ? url.slice(checkPath.length) : onlyLine(rawHeaders, targetHeader),
  }
  const requestId = onlyLine(rawHeaders, 'x-request-id')
  return {
    facts: readRequestFacts(rawHeaders, nodeConnection(socket), call),
    requestId: requestId !== undefined && /^[\w.-]{1,64}$/.test(requestId) ? requestId : undefined,
  }
}

function onlyLine(rawHeaders: readonly string[], name: string): string | undefined {
  let found: string | undefined
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() !== name) continue
    if (found !== undefined) return undefined
    found = rawHeaders[i + 1]
  }
  return found
}
