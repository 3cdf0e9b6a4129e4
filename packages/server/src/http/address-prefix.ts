import { isIPv6 } from 'node:net'

/**
 * The part of an address that one party is likely to hold: an IPv4 address whole, an IPv6 address up to its /64 (RFC 6177), because anyone
 * with one address of a /64 has all of them. Addresses come from `http/peer`, which has canonicalised them.
 */
export function addressPrefix(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const after = tail === '' ? 0 : tail.split(':').length
    for (let missing = 8 - groups.length - after; missing > 0; missing--) groups.push('0')
    if (tail !== '') groups.push(...tail.split(':'))
  }
  return `${groups.slice(0, 4).join(':')}::/64`
}
