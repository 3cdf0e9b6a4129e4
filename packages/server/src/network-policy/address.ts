import { isIPv4, isIPv6 } from 'node:net'
import { canonicalAddress } from '@latchkey/protocol/network'

/** An IP address as a number of 32 or 128 bits. */
export interface Address {
  readonly family: 4 | 6
  readonly value: bigint
}

/** Reads an address in its one spelling, as `http/peer` gives it; undefined for anything else. */
export function readAddress(text: string): Address | undefined {
  if (isIPv4(text)) return { family: 4, value: BigInt(readIpv4(text)) }
  if (!isIPv6(text) || text.includes('%') || text.includes('.')) return undefined
  let value = 0n
  for (const group of groupsOf(text)) value = (value << 16n) | BigInt(group)
  return { family: 6, value }
}

/** A dotted quad as a number. Does not check that it is one. */
export function readIpv4(text: string): number {
  let value = 0
  let octet = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === 46) {
      value = value * 256 + octet
      octet = 0
    } else {
      octet = octet * 10 + code - 48
    }
  }
  return value * 256 + octet
}

export function writeAddress({ family, value }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
  const groups = [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map((shift) => ((value >> shift) & 65_535n).toString(16))
  return canonicalAddress(groups.join(':')) ?? ''
}

/** The eight groups of an IPv6 address without a dotted quad. */
function groupsOf(address: string): number[] {
  const [before = '', after] = address.split('::')
  const read = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)))
  const [head, tail] = [read(before), read(after ?? '')]
  return after === undefined ? head : [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail]
}
