/*
 * Addresses and ranges of addresses, read as strictly as they can be written and without node:net: guard decides by them wherever it runs. What the readers
 * take is held against Python's ipaddress (`npm run test:interop`).
 */

/** An address as its 16-bit groups: two for IPv4, eight for IPv6. */
type Groups = readonly number[]

/** A range of addresses. */
export interface Network {
  readonly groups: Groups
  /** In bits. */
  readonly prefix: number
}

/**
 * Reads CIDRs (RFC 4632 §3.1, RFC 4291 §2.3); a single address needs no prefix. Bits behind the prefix say nothing, an IPv4-mapped range is IPv4. Throws a RangeError
 * that names the one that is none.
 */
export function readNetworks(cidrs: readonly string[]): readonly Network[] {
  return cidrs.map((cidr) => {
    const network = readNetwork(cidr)
    if (network === undefined) throw new RangeError(cidr)
    return network
  })
}

function readNetwork(cidr: string): Network | undefined {
  const [address = '', bits, ...rest] = cidr.split('/')
  const written = readIPv4(address) ?? readIPv6(address)
  if (written === undefined || rest.length > 0) return undefined
  const widest = written.length * 16
  const prefix = bits === undefined ? widest : /^(?:0|[1-9]\d{0,2})$/.test(bits) ? Number(bits) : NaN
  if (!(prefix <= widest)) return undefined
  const groups = unmap(written)
  const taken = widest - groups.length * 16
  // A range that is wider than all of IPv4 and begins in it has no one meaning.
  return prefix < taken ? undefined : { groups, prefix: prefix - taken }
}

/**
 * One spelling for each address: IPv4-mapped IPv6 becomes IPv4, IPv6 is compressed (RFC 5952, with no dotted quad), a zone is dropped (RFC 4007 §11). `undefined` for
 * anything else: short, octal and hexadecimal IPv4, brackets, ports.
 */
export function canonicalAddress(text: string): string | undefined {
  if (readIPv4(text) !== undefined) return text
  const groups = readAddress(text)
  return groups && writeAddress(groups)
}

/** Whether an address is in one of these networks; what is no address is in none. */
export function isWithin(networks: readonly Network[], address: string): boolean {
  const groups = readAddress(address)
  return groups !== undefined && networks.some((network) => agrees(network, groups, network.prefix))
}

/** Whether two ranges have an address in common. */
export function overlaps(one: Network, other: Network): boolean {
  return agrees(one, other.groups, Math.min(one.prefix, other.prefix))
}

/** Whether the first bits of both are the same. */
function agrees({ groups }: Network, others: Groups, prefix: number): boolean {
  if (groups.length !== others.length) return false
  for (let i = 0; i * 16 < prefix; i++) {
    const apart = (groups[i] ?? 0) ^ (others[i] ?? 0)
    if (apart >> Math.max(0, 16 - (prefix - i * 16)) !== 0) return false
  }
  return true
}

function readAddress(text: string): Groups | undefined {
  const ipv4 = readIPv4(text)
  if (ipv4 !== undefined) return ipv4
  const ipv6 = readIPv6(text.replace(/%[\w.~-]+$/, ''))
  return ipv6 && unmap(ipv6)
}

function readIPv4(text: string): Groups | undefined {
  let value = 0
  let dots = 0
  let part = -1
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x2e && part >= 0 && dots < 3) {
      value = value * 256 + part
      dots += 1
      part = -1
    } else if (code >= 0x30 && code <= 0x39 && part !== 0) {
      part = (part < 0 ? 0 : part * 10) + code - 0x30
      if (part > 255) return undefined
    } else {
      // A digit behind a zero among them: octal to some, decimal to others.
      return undefined
    }
  }
  if (dots < 3 || part < 0) return undefined
  return [Math.floor(value / 256), (value % 256) * 256 + part]
}

/** RFC 4291 §2.2. */
function readIPv6(text: string): Groups | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = [readGroups(halves[0] ?? '', halves.length === 1), readGroups(halves[1] ?? '', true)]
  if (head === undefined || tail === undefined) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  return [...head, ...Array<number>(missing).fill(0), ...tail]
}

/** Groups between colons; where the address ends, the last two may be written as IPv4. */
function readGroups(text: string, isEnd: boolean): number[] | undefined {
  if (text === '') return []
  const parts = text.split(':')
  const groups: number[] = []
  for (const [i, part] of parts.entries()) {
    const quad = isEnd && i === parts.length - 1 ? readIPv4(part) : undefined
    if (quad !== undefined) groups.push(...quad)
    else if (/^[\da-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

function unmap(groups: Groups): Groups {
  const isMapped = groups.length === 8 && groups[5] === 0xff_ff && groups.slice(0, 5).every((group) => group === 0)
  return isMapped ? groups.slice(6) : groups
}

function writeAddress(groups: Groups): string {
  if (groups.length === 2) return groups.flatMap((group) => [group >> 8, group & 255]).join('.')
  const written = groups.map((group) => group.toString(16))
  const { start, length } = longestZeroRun(groups)
  if (length < 2) return written.join(':')
  return `${written.slice(0, start).join(':')}::${written.slice(start + length).join(':')}`
}

/** The first of the longest (RFC 5952 §4.2.3). */
function longestZeroRun(groups: Groups): { readonly start: number; readonly length: number } {
  let longest = { start: 0, length: 0 }
  let length = 0
  for (const [i, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0
    if (length > longest.length) longest = { start: i + 1 - length, length }
  }
  return longest
}
