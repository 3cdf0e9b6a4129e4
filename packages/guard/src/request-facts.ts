import { forwardingHeaders, type ForwardingHeader } from '@latchkey/protocol'

/** All that a guard is told of a request. */
export interface RequestFacts {
  /** The value of every Authorization field line, in order. A merged or first-wins value would hide a second one. */
  readonly authorization: readonly string[]
  /** Absent: unknown, so that every endpoint may be meant and no rule matches. */
  readonly method?: string | undefined
  /** The request target as it was sent (RFC 9112 §3.2), query and all: never what a router has made of it. Absent: unknown, as the method. */
  readonly target?: string | undefined
  /** The other side of the connection; absent where nothing is known of it: then the caller has no address, and no token that is bound to a certificate is taken. */
  readonly connection?: ConnectionFacts | undefined
  /** The values of every line of the headers by which a proxy may tell of a caller, by name in lower case. Believed from configured proxies alone. */
  readonly forwarding?: Readonly<Partial<Record<ForwardingHeader, readonly string[]>>> | undefined
}

/** The request line. */
export type CallLine = Pick<RequestFacts, 'method' | 'target'>

export interface ConnectionFacts {
  /** Of the socket, not of a header. */
  readonly address: string | undefined
  /** DER of the certificate whose private key the other side has proved to have, by this TLS connection; undefined: none. */
  readonly certificate: Uint8Array | undefined
}

/**
 * Reads the facts from raw headers (name, value, name, value …) as node:http gives them.
 * Not from `request.headers`, which silently drops every Authorization header but the first.
 */
export function readRequestFacts(
  rawHeaders: readonly string[],
  connection?: ConnectionFacts,
  { method, target }: CallLine = {},
): RequestFacts {
  const authorization: string[] = []
  const forwarding: Partial<Record<ForwardingHeader, string[]>> = {}
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]?.toLowerCase()
    const value = rawHeaders[i + 1] ?? ''
    if (name === 'authorization') authorization.push(value)
    const header = forwardingHeaders.find((each) => each === name)
    if (header !== undefined) (forwarding[header] ??= []).push(value)
  }
  return { authorization, method, target, connection, forwarding }
}
