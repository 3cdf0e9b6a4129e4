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
  /** The values of every line of the headers by which a proxy may tell of a caller, by name in lower case; others are ignored. Believed from configured proxies alone. */
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

/** The headers that facts are read from. */
export const factHeaders: readonly ('authorization' | ForwardingHeader)[] = ['authorization', ...forwardingHeaders]

/** The values of every line of some headers, by name in lower case. Absent: there was none. */
export type HeaderLinesByName<Name extends string> = Readonly<Partial<Record<Name, readonly string[]>>>

const wantedForFacts = wantedHeaders(factHeaders)

/**
 * Reads the facts from raw headers (name, value, name, value …) as node:http gives them.
 * Not from `request.headers`, which silently drops every Authorization header but the first.
 */
export function readRequestFacts(
  rawHeaders: readonly string[],
  connection?: ConnectionFacts,
  call?: CallLine,
): RequestFacts {
  return factsOf(readHeaderLines(rawHeaders, wantedForFacts), connection, call)
}

/** The facts among lines that were read. The token stays out of `forwarding`, which is what gets written down when a proxy is set up. */
export function factsOf(
  { authorization = [], ...forwarding }: HeaderLinesByName<(typeof factHeaders)[number]>,
  connection?: ConnectionFacts,
  { method, target }: CallLine = {},
): RequestFacts {
  return { authorization, method, target, connection, forwarding }
}

/** Names, in lower case, to look for with {@link readHeaderLines}. */
export function wantedHeaders<Name extends string>(names: readonly Name[]): ReadonlyMap<string | undefined, Name> {
  return new Map(names.map((name) => [name, name]))
}

/** Reads raw headers (name, value, name, value …) once for all wanted names: every line of them, whatever its letter case. */
export function readHeaderLines<Name extends string>(
  rawHeaders: readonly string[],
  wanted: ReadonlyMap<string | undefined, Name>,
): HeaderLinesByName<Name> {
  const lines: Partial<Record<Name, string[]>> = {}
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = wanted.get(rawHeaders[i]?.toLowerCase())
    if (name !== undefined) (lines[name] ??= []).push(rawHeaders[i + 1] ?? '')
  }
  return lines
}
