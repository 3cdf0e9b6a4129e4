import { readAddress, writeAddress } from './address.ts'

/** Addresses from `first` to `last`, both included. */
export interface AddressRange {
  readonly family: 4 | 6
  readonly first: bigint
  readonly last: bigint
}

/** The range of a CIDR in its one spelling. Throws on anything else: what is stored was read by `readCidr`. */
export function rangeOf(cidr: string): AddressRange {
  const slash = cidr.indexOf('/')
  const address = readAddress(cidr.slice(0, slash))
  if (slash === -1 || address === undefined) throw new RangeError(`not a CIDR in its one spelling: ${cidr}`)
  const { family, value } = address
  const hostBits = BigInt((family === 4 ? 32 : 128) - Number(cidr.slice(slash + 1)))
  return { family, first: value, last: value + (1n << hostBits) - 1n }
}

/** The same addresses in as few ranges as can be: sorted, IPv4 first, none overlapping or beside another. */
export function mergeRanges(ranges: readonly AddressRange[]): AddressRange[] {
  const merged: AddressRange[] = []
  for (const range of ranges.toSorted(inOrder)) {
    const before = merged.at(-1)
    if (before === undefined || before.family !== range.family || before.last + 1n < range.first) merged.push(range)
    else if (before.last < range.last) merged[merged.length - 1] = { ...before, last: range.last }
  }
  return merged
}

/** Merged ranges as the fewest CIDRs. */
export function cidrsOf(ranges: readonly AddressRange[]): string[] {
  return ranges.flatMap(({ family, first, last }) => {
    const cidrs: string[] = []
    const width = family === 4 ? 32 : 128
    for (let from = first; from <= last;) {
      // The largest block that begins here and does not reach beyond the end.
      let hostBits = 0
      while (hostBits < width) {
        const size = 1n << BigInt(hostBits + 1)
        if (from % size !== 0n || from + size - 1n > last) break
        hostBits++
      }
      cidrs.push(`${writeAddress({ family, value: from })}/${width - hostBits}`)
      from += 1n << BigInt(hostBits)
    }
    return cidrs
  })
}

/** Whether every address of `inner` is in `outer`; both are merged, and so ascend together. */
export function includesRanges(outer: readonly AddressRange[], inner: readonly AddressRange[]): boolean {
  let i = 0
  return inner.every(({ family, first, last }) => {
    let around = outer[i]
    while (around !== undefined && (around.family < family || (around.family === family && around.last < first))) {
      around = outer[++i]
    }
    return around !== undefined && around.family === family && around.first <= first && last <= around.last
  })
}

function inOrder(a: AddressRange, b: AddressRange): number {
  if (a.family !== b.family) return a.family - b.family
  return a.first < b.first ? -1 : a.first > b.first ? 1 : 0
}
