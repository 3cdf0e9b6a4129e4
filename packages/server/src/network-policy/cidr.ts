import { BlockList, isIP } from 'node:net'
import { canonicalAddress } from '@latchkey/protocol/network'
import { readAddress, writeAddress } from './address.ts'

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
function maskAddress(text: string, prefix: number): string {
  const address = readAddress(text)
  if (address === undefined) return ''
  const hostBits = BigInt((address.family === 4 ? 32 : 128) - prefix)
  return writeAddress({ ...address, value: (address.value >> hostBits) << hostBits })
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
