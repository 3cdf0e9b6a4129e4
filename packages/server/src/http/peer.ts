import { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from 'node:net'
import type { IncomingMessage } from 'node:http'

/** Finds where a request really came from. */
export type FindAddress = (message: IncomingMessage) => string

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

/**
 * The source address is the socket's, unless the socket's is a configured proxy: then it is the last address of `X-Forwarded-For` that
 * is not itself a proxy. A header that cannot be read leaves the proxy's own address standing, which no client is allowed to have.
 * Every other forwarding header is ignored, and this one too from anybody else.
 */
export function findAddress(proxies: BlockList | undefined): FindAddress {
  return (message) => {
    const socketAddress = canonicalAddress(message.socket.remoteAddress ?? '') ?? ''
    if (proxies === undefined || !contains(proxies, socketAddress)) return socketAddress
    const header = message.headers['x-forwarded-for']
    if (header === undefined) return socketAddress
    const hops = (Array.isArray(header) ? header.join(',') : header).split(',')
    for (const hop of hops.toReversed()) {
      const address = canonicalAddress(hop.trim())
      if (address === undefined) return socketAddress
      if (!contains(proxies, address)) return address
    }
    return socketAddress
  }
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

function contains(networks: BlockList, address: string): boolean {
  const family = isIP(address)
  return family !== 0 && networks.check(address, family === 4 ? 'ipv4' : 'ipv6')
}
