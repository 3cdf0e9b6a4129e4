import { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from 'node:net'

/** Networks of configured proxies, as CIDRs. Throws a RangeError that names the one that is none. */
export function proxyNetworks(cidrs: readonly string[]): BlockList {
  const networks = new BlockList()
  for (const cidr of cidrs) {
    const [address = '', bits, ...rest] = cidr.split('/')
    const family = isIP(address)
    const widest = family === 4 ? 32 : 128
    const prefix = bits === undefined ? widest : /^\d{1,3}$/.test(bits) ? Number(bits) : NaN
    if (family === 0 || rest.length > 0 || !(prefix >= 0 && prefix <= widest)) throw new RangeError(cidr)
    networks.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6')
  }
  return networks
}

/** One spelling for each address: IPv4-mapped IPv6 becomes IPv4, IPv6 is compressed, a zone is dropped. `undefined` for anything else. */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1]
  if (mapped !== undefined) return isIPv4(mapped) ? mapped : undefined
  const bare = text.replace(/%.*$/s, '')
  if (!isIPv6(bare)) return undefined
  const { address } = new SocketAddress({ address: bare, family: 'ipv6' })
  return address.startsWith('::ffff:') && isIPv4(address.slice(7)) ? address.slice(7) : address
}

/** Whether an address in its one spelling is in these networks; anything else is in none. */
export function isWithin(networks: BlockList, address: string): boolean {
  const family = isIP(address)
  return family !== 0 && networks.check(address, family === 4 ? 'ipv4' : 'ipv6')
}
