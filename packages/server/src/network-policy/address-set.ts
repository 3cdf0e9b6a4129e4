import { isIPv4 } from 'node:net'
import { readAddress, readIpv4 } from './address.ts'
import { cidrsOf, mergeRanges, rangeOf } from './ranges.ts'

/** A set of addresses, made once for everybody who has the same. */
export interface AddressSet {
  /** The fewest CIDRs, sorted; none within another. */
  readonly cidrs: readonly string[]
  /** Whether an address in its one spelling is in it; whatever is none is not. */
  has(address: string): boolean
}

/*
 * Partners of one hosting company have the same lists, and a client is compiled anew after each of its changes: so sets are shared for as long as somebody holds
 * them. By binary search, because `net.BlockList` looks through its rules one by one.
 */
const known = new Map<string, WeakRef<AddressSet>>()
const forgotten = new FinalizationRegistry<string>((key) => {
  if (known.get(key)?.deref() === undefined) known.delete(key)
})

function remember(key: string, set: AddressSet): AddressSet {
  known.set(key, new WeakRef(set))
  forgotten.register(set, key)
  return set
}

/** The set of these CIDRs, each in its one spelling. */
export function addressSet(cidrs: readonly string[]): AddressSet {
  // As it is written first: reading and merging costs a hundred times as much.
  const given = cidrs.join(' ')
  const same = known.get(given)?.deref()
  if (same !== undefined) return same
  const merged = mergeRanges(cidrs.map((cidr) => rangeOf(cidr)))
  const written = cidrsOf(merged)
  const key = written.join(' ')
  const shared = known.get(key)?.deref()
  if (shared !== undefined) return remember(given, shared)
  const ipv4 = Uint32Array.from(merged.flatMap(boundsOf(4)), Number)
  const ipv6 = merged.flatMap(boundsOf(6))
  const made: AddressSet = {
    cidrs: written,
    has(address) {
      if (isIPv4(address)) return isBetween(ipv4, readIpv4(address))
      if (ipv6.length === 0) return false
      const read = readAddress(address)
      return read !== undefined && isBetween(ipv6, read.value)
    },
  }
  if (given !== key) remember(given, made)
  return remember(key, made)
}

function boundsOf(family: 4 | 6) {
  return (range: { readonly family: 4 | 6; readonly first: bigint; readonly last: bigint }): bigint[] =>
    range.family === family ? [range.first, range.last] : []
}

/** `bounds` holds first and last of each range in turn, ascending. */
function isBetween<Value extends number | bigint>(bounds: ArrayLike<Value>, value: Value): boolean {
  let [low, high] = [0, bounds.length / 2]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (value < (bounds[middle * 2] as Value)) high = middle
    else if (value > (bounds[middle * 2 + 1] as Value)) low = middle + 1
    else return true
  }
  return false
}
