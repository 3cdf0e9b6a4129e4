import type { IncomingMessage } from 'node:http'
import { canonicalAddress, isWithin, readNetworks, type Network } from '@latchkey/protocol/network'

/** Finds where a request really came from. */
export type FindAddress = (message: IncomingMessage) => string

/** A near machine that is no configured proxy forwards requests of others, and what it says of them is ignored. */
export interface IgnoredForwarding {
  /** The latest. */
  readonly peer: string
  readonly count: number
}

/** Machines on the same network: a stranger's header says nothing about how this server is set up. */
const near = readNetworks(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '127.0.0.0/8', '::1', 'fc00::/7'])

/**
 * The source address is the socket's, unless the socket's is a configured proxy: then it is the last address of `X-Forwarded-For` that
 * is not itself a proxy. A header that cannot be read leaves the proxy's own address standing, which no client is allowed to have.
 * Every other forwarding header is ignored, and this one too from anybody else; `noteIgnored` hears of it when it comes from near.
 */
export function findAddress(
  proxies: readonly Network[] | undefined,
  noteIgnored: (peer: string) => void = () => undefined,
): FindAddress {
  return (message) => {
    const socketAddress = canonicalAddress(message.socket.remoteAddress ?? '') ?? ''
    if (proxies === undefined || !isWithin(proxies, socketAddress)) {
      if (message.headers['x-forwarded-for'] !== undefined && isWithin(near, socketAddress)) noteIgnored(socketAddress)
      return socketAddress
    }
    const header = message.headers['x-forwarded-for']
    if (header === undefined) return socketAddress
    const hops = (Array.isArray(header) ? header.join(',') : header).split(',')
    for (const hop of hops.toReversed()) {
      const address = canonicalAddress(hop.trim())
      if (address === undefined) return socketAddress
      if (!isWithin(proxies, address)) return address
    }
    return socketAddress
  }
}
