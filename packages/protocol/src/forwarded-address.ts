import { canonicalAddress } from './network.ts'

/*
 * The address of a caller as a proxy hands it on: one header for each way in which proxies are usually set up. Says nothing about who sent the header; see
 * `proxies.ts`.
 */

/** In lower case, as node:http has them. */
export type AddressHeader = 'x-forwarded-for' | 'forwarded' | 'x-real-ip' | 'true-client-ip' | 'cf-connecting-ip'

/** One hop: its address in the one spelling, `undefined` where it cannot be read. */
type Hop = string | undefined

/** The hops that a header names, the nearest first. */
const readers: Readonly<Record<AddressHeader, (lines: readonly string[]) => Iterable<Hop>>> = {
  'x-forwarded-for': listedHops,
  forwarded: describedHops,
  'x-real-ip': onlyHop,
  'true-client-ip': onlyHop,
  'cf-connecting-ip': onlyHop,
}

export const addressHeaders: readonly AddressHeader[] = Object.keys(readers) as AddressHeader[]

/**
 * The hops of such a header, the nearest first; `lines` are the values of every line of that name, in order. A proxy adds its own at the end, so only what stands
 * behind a hop can be believed of it: ask for no more than needed, and for none after one that is `undefined`.
 */
export function forwardedHops(header: AddressHeader, lines: readonly string[]): Iterable<Hop> {
  return readers[header](lines)
}

/** `X-Forwarded-For: client, proxy`. Some write a port behind the address (Azure, AWS), and IPv6 in brackets. An empty place in the list is unreadable. */
function* listedHops(lines: readonly string[]): Iterable<Hop> {
  for (const line of lines.toReversed()) {
    // From the end, since what a caller wrote in front of it can be as long as it likes.
    for (let end = line.length; end >= 0;) {
      const comma = end === 0 ? -1 : line.lastIndexOf(',', end - 1)
      yield readNode(line.slice(comma + 1, end))
      end = comma
    }
  }
}

/** A header that has one address; a second line was not set by one proxy. */
function onlyHop(lines: readonly string[]): Iterable<Hop> {
  return lines.slice(0, 1).map((line) => (lines.length === 1 ? readNode(line) : undefined))
}

/** Longest place in a list that is looked at, in characters: more than any address, with zone and port. */
const maxNodeLength = 128

function readNode(text: string): Hop {
  if (text.length > maxNodeLength) return undefined
  const plain = canonicalAddress(text)
  if (plain !== undefined) return plain
  const node = text.replaceAll(/^[ \t]+|[ \t]+$/g, '')
  const [, ipv6, , ipv4] = /^(?:\[([^\]]*)\](:\d{1,5})?|([^:]*):\d{1,5})$/.exec(node) ?? []
  if (ipv6 !== undefined) return ipv6.includes(':') ? canonicalAddress(ipv6) : undefined
  return canonicalAddress(ipv4 ?? node)
}

/** Longest line of `Forwarded` that is looked at, in characters. */
const maxLength = 8192

/** `Forwarded: for=192.0.2.43;proto=https, for="[2001:db8::17]:4711"` (RFC 7239 §4). Lines are read one by one: a caller cannot leave a quote open in the proxy's own. */
function* describedHops(lines: readonly string[]): Iterable<Hop> {
  for (const line of lines.toReversed()) {
    const elements = line.length > maxLength ? undefined : readElements(line)
    if (elements === undefined) yield undefined
    else yield* elements.toReversed().map((element) => readForwardedNode(element.get('for') ?? ''))
  }
}

/** RFC 7239 §6: IPv6 in brackets, a port of digits or an invented one; `unknown` and invented names say nothing. */
function readForwardedNode(text: string): Hop {
  const [, ipv4, ipv6] = /^(?:([\d.]+)|\[([\da-f:.]*:[\da-f:.]*)\])(?::(?:\d{1,5}|_[\w.-]+))?$/i.exec(text) ?? []
  return canonicalAddress(ipv4 ?? ipv6 ?? '')
}

/** One parameter with what it is worth (RFC 7230 §3.2.6), or none; spaces around it are more than the grammar allows, and are written. */
const parameter = /[ \t]*(?:([!#$%&'*+\-.^_`|~\w]+)=(?:([!#$%&'*+\-.^_`|~\w]+)|"((?:[^"\\]|\\.)*)"))?[ \t]*/y

/** All elements of a line, or `undefined` when a single one is not as the grammar has it. */
function readElements(line: string): ReadonlyMap<string, string>[] | undefined {
  const elements = [new Map<string, string>()]
  for (let position = 0; ; position++) {
    parameter.lastIndex = position
    const [all = '', name, token, quoted] = parameter.exec(line) ?? []
    position += all.length
    const element = elements.at(-1)
    if (name !== undefined) {
      if (element?.has(name.toLowerCase())) return undefined
      element?.set(name.toLowerCase(), token ?? quoted?.replaceAll(/\\(.)/g, '$1') ?? '')
    }
    if (position === line.length) return elements
    if (line[position] === ',') elements.push(new Map())
    else if (line[position] !== ';') return undefined
  }
}
