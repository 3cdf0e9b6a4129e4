import { BlockList, isIP } from 'node:net'
import { canonicalAddress } from '@latchkey/protocol/network'

/** An address range in its one spelling: `192.0.2.0/24`, `2001:db8::/32`; a single address has `/32` or `/128`. */
export type ReadCidr =
  | {
      readonly ok: true
      readonly cidr: string
      /** Something that a person should look at twice. */
      readonly note: string | undefined
    }
  | { readonly ok: false; readonly problem: string }

/** Narrower than this, a range is one organisation's; wider ones are worth a question. */
const wide = { 4: 16, 6: 32 } as const

const notReached = ranges(
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '127.0.0.0/8',
  '0.0.0.0/8',
  '224.0.0.0/3',
  '::/128',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
  'ff00::/8',
)

const forDocuments = ranges('192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '2001:db8::/32', '3fff::/20')

/**
 * Reads an IPv4 or IPv6 address, or a CIDR (RFC 4632 §3.1, RFC 4291 §2.3), as strictly as it can be written: no zone, no octal, hexadecimal or
 * short form, no bits set behind the prefix. IPv4-mapped IPv6 becomes IPv4. Does not check that anybody has the addresses.
 */
export function readCidr(text: string): ReadCidr {
  const [address = '', bits, ...rest] = text.trim().split('/')
  const family = isIP(address)
  if (family === 0 || address.includes('%') || rest.length > 0) {
    return refuse('not an address or CIDR, such as 198.51.100.7, 198.51.100.0/24 or 2001:db8:42::/48')
  }
  const canonical = canonicalAddress(address) ?? ''
  const isMapped = family === 6 && isIP(canonical) === 4
  const written = family === 4 ? 32 : 128
  if (bits !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(bits))
    return refuse(`a prefix length is a number from 0 to ${written}`)
  const given = bits === undefined ? written : Number(bits)
  if (given > written) return refuse(`a prefix length is a number from 0 to ${written}`)
  if (isMapped && given < 96) return refuse('an IPv4-mapped range is written as IPv4')
  const prefix = isMapped ? given - 96 : given
  if (prefix === 0) return refuse('everybody is no range: name the addresses that your traffic leaves from')
  const network = maskAddress(canonical, prefix)
  if (network !== canonical) return refuse(`bits are set behind the prefix: the range is ${network}/${prefix}`)
  return { ok: true, cidr: `${canonical}/${prefix}`, note: noteOn(canonical, prefix) }
}

function noteOn(address: string, prefix: number): string | undefined {
  const family = isIP(address) === 4 ? 4 : 6
  const type = family === 4 ? 'ipv4' : 'ipv6'
  if (notReached.check(address, type)) {
    return 'a private or special address, which is not what a server on the internet sees of you'
  }
  if (forDocuments.check(address, type)) return 'an address of the documentation ranges, which nobody has'
  return prefix < wide[family] ? 'a very wide range' : undefined
}

/** The first address of the range. */
function maskAddress(address: string, prefix: number): string {
  if (isIP(address) === 4) {
    const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
    const size = 2 ** (32 - prefix)
    const network = value - (value % size)
    return [24, 16, 8, 0].map((shift) => Math.floor(network / 2 ** shift) % 256).join('.')
  }
  const groups = groupsOf(address).map((group, i) => {
    const kept = Math.min(16, Math.max(0, prefix - i * 16))
    return group - (group % 2 ** (16 - kept))
  })
  return canonicalAddress(groups.map((group) => group.toString(16)).join(':')) ?? ''
}

/** The eight groups of an IPv6 address in its canonical spelling, which has no dotted quad. */
function groupsOf(address: string): number[] {
  const [before = '', after] = address.split('::')
  const read = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)))
  const [head, tail] = [read(before), read(after ?? '')]
  return after === undefined ? head : [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail]
}

function ranges(...cidrs: readonly string[]): BlockList {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [address = '', prefix] = cidr.split('/')
    list.addSubnet(address, Number(prefix), address.includes(':') ? 'ipv6' : 'ipv4')
  }
  return list
}

function refuse(problem: string): ReadCidr {
  return { ok: false, problem }
}
