import type { IncomingMessage } from 'node:http'
import {
  callerAddress,
  callerCertificate,
  certificateHeaders,
  findProxy,
  forwardingHeaders,
  rawHeaderLines,
  readProxies,
  type ForwardingHeader,
  type HeaderLines,
  type Proxy,
  type ProxyDeclaration,
} from '@latchkey/protocol'
import { canonicalAddress, isWithin, readNetworks } from '@latchkey/protocol/network'
import { readCertificate, presentedCertificate, type PresentedCertificate } from './client-certificate.ts'

/** Who is on the other side of a request, or behind the proxy that is. */
export interface Peers {
  /**
   * Where a request really came from, in one spelling: the socket's address, unless that is a configured proxy's; then whom the header of its entry names. Where that
   * cannot be read it begins with `unknown`, which is no address, and no policy allows it.
   */
  address(message: IncomingMessage): string
  /** The certificate that the caller has; never the one with which a proxy came itself. */
  certificate(message: IncomingMessage): PresentedCertificate | undefined
}

/** Somebody near says things of others that are not believed: it may be a proxy that was not set up as it was meant to be. */
export interface IgnoredForwarding {
  /** The latest. */
  readonly peer: string
  readonly header: ForwardingHeader
  /** It is no configured proxy; or it is, and its entry names another header; or its header is missing or cannot be read. */
  readonly because: 'no-proxy' | 'not-named' | 'unreadable'
}

/** Machines on the same network: a stranger's header says nothing about how this server is set up. */
const near = readNetworks(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '127.0.0.0/8', '::1', 'fc00::/7'])

/** `note` hears of headers that are ignored, when they come from near. */
export function knowPeers(
  declared: readonly ProxyDeclaration[],
  note: (ignored: IgnoredForwarding) => void = () => undefined,
): Peers {
  const proxies = readProxies(declared)
  const proxyOf = ({ socket }: IncomingMessage): Proxy | undefined =>
    proxies.length === 0 ? undefined : findProxy(proxies, socket.remoteAddress ?? '')

  return {
    address(message) {
      const { socket, headers, rawHeaders } = message
      const peer = canonicalAddress(socket.remoteAddress ?? '')
      const proxy = proxyOf(message)
      if (peer === undefined || proxy === undefined) {
        const header = forwardingHeaders.find((name) => headers[name] !== undefined)
        if (header !== undefined && peer !== undefined && isWithin(near, peer)) {
          note({ peer, header, because: 'no-proxy' })
        }
        return peer ?? unknownAddress
      }
      const address = callerAddress(proxies, peer, rawHeaderLines(rawHeaders))
      if (address !== undefined) return address
      note({ peer, header: proxy.addressHeader, because: 'unreadable' })
      return `${unknownAddress} via ${peer}`
    },

    certificate(message) {
      const proxy = proxyOf(message)
      if (proxy === undefined) return presentedCertificate(message.socket)
      const lines = rawHeaderLines(message.rawHeaders)
      const der = callerCertificate(proxy, lines)
      const certificate = der && readCertificate(der)
      if (certificate === undefined) noteCertificate(note, proxy, message.socket.remoteAddress ?? '', lines)
      return certificate
    },
  }
}

/** RFC 7239 §6.2. */
const unknownAddress = 'unknown'

function noteCertificate(
  note: (ignored: IgnoredForwarding) => void,
  { certificateHeader }: Proxy,
  peer: string,
  lines: HeaderLines,
): void {
  // A caller without a certificate: its proxy says nothing, or says it with nothing in it.
  if (certificateHeader !== undefined && lines(certificateHeader).some((value) => !/^:*$/.test(value))) {
    note({ peer, header: certificateHeader, because: 'unreadable' })
    return
  }
  const other = certificateHeaders.find((name) => name !== certificateHeader && lines(name).length > 0)
  if (other !== undefined) note({ peer, header: other, because: 'not-named' })
}
