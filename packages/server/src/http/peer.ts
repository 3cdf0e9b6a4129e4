import { BlockList, isIP, isIPv4, isIPv6, SocketAddress } from 'node:net'
import type { IncomingMessage } from 'node:http'

/** Finds where a request really came from. */
export type FindAddress = (message: IncomingMessage) => string

/** A near machine that is no configured proxy forwards requests of others, and what it says of them is ignored. */
export interface IgnoredForwarding {
  /** The latest. */
  readonly peer: string
  readonly count: number
}

/** Machines on the same network: a stranger's header says nothing about how this server is set up. */
const near = proxyNetworks(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '127.0.0.0/8', '::1', 'fc00::/7'])

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
 * Every other forwarding header is ignored, and this one too from anybody else; `noteIgnored` hears of it when it comes from near.
 */
export function findAddress(
  proxies: BlockList | undefined,
  noteIgnored: (peer: string) => void = () => undefined,
): FindAddress {
  return (message) => {
    const socketAddress = canonicalAddress(message.socket.remoteAddress ?? '') ?? ''
    if (proxies === undefined || !contains(proxies, socketAddress)) {
      if (message.headers['x-forwarded-for'] !== undefined && contains(near, socketAddress)) noteIgnored(socketAddress)
      return socketAddress
    }
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
