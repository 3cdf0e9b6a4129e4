import { certificateHeaders, readCertificateHeader, type CertificateHeader } from './certificate-header.ts'
import { addressHeaders, forwardedHops, type AddressHeader } from './forwarded-address.ts'
import { canonicalAddress, isWithin, overlaps, readNetworks, type Network } from './network.ts'

/*
 * Who is behind a request that a proxy hands on. Read here for everybody who decides by it (server, guard, gate).
 */

/** A proxy, or several that are set up alike. */
export interface ProxyDeclaration {
  /** Their addresses, as CIDRs. */
  readonly networks: readonly string[]
  /** The one header in which they say where a request came from. */
  readonly addressHeader: AddressHeader
  /** The one header in which they hand on the certificate of the caller; absent: they are not believed about certificates. */
  readonly certificateHeader?: CertificateHeader | undefined
}

/** A declaration that was checked. */
export interface Proxy {
  readonly networks: readonly Network[]
  readonly addressHeader: AddressHeader
  readonly certificateHeader: CertificateHeader | undefined
}

export type ForwardingHeader = AddressHeader | CertificateHeader

/** Every header by which a proxy may tell of a caller. */
export const forwardingHeaders: readonly ForwardingHeader[] = [...addressHeaders, ...certificateHeaders]

/** The values of every line of a header, in order; none: an empty list. */
export type HeaderLines = (name: ForwardingHeader) => readonly string[]

/** Checks declarations together. Throws a RangeError whose message says in one sentence what is wrong: a network that is none, an unknown header, two entries for one address. */
export function readProxies(declared: readonly ProxyDeclaration[]): readonly Proxy[] {
  const proxies = declared.map(readProxy)
  for (const [i, proxy] of proxies.entries()) {
    for (const [k, network] of proxy.networks.entries()) {
      const other = proxies.slice(0, i).findIndex(({ networks }) => networks.some((each) => overlaps(each, network)))
      if (other === -1) continue
      const [named, before] = [declared[i]?.networks[k], declared[other]?.networks.join(', ')]
      throw new RangeError(`${named} overlaps with ${before} of another entry: which header is believed would be open`)
    }
  }
  return proxies
}

function readProxy({ networks, addressHeader, certificateHeader }: ProxyDeclaration): Proxy {
  if (networks.length === 0) throw new RangeError('an entry names no network')
  if (!addressHeaders.includes(addressHeader)) {
    throw new RangeError(`${JSON.stringify(addressHeader)} is no address header: ${addressHeaders.join(', ')}`)
  }
  if (certificateHeader !== undefined && !certificateHeaders.includes(certificateHeader)) {
    const known = certificateHeaders.join(', ')
    throw new RangeError(`${JSON.stringify(certificateHeader)} is no certificate header: ${known}`)
  }
  try {
    return { networks: readNetworks(networks), addressHeader, certificateHeader }
  } catch (error) {
    throw new RangeError(`${JSON.stringify((error as Error).message)} is no network: write a CIDR such as 10.0.0.0/8`)
  }
}

/** The proxy that has this address. */
export function findProxy(proxies: readonly Proxy[], address: string): Proxy | undefined {
  return proxies.find(({ networks }) => isWithin(networks, address))
}

/** Proxies that one request may have gone through. */
const maxHops = 32

/**
 * Where a request came from, in the one spelling of {@link canonicalAddress}: the socket's address or, where that is a configured proxy, the last one that its header names and
 * that is not itself such a proxy. `undefined` when nothing can be believed: a header that is missing, unreadable, or names proxies alone. No policy may let that pass.
 */
export function callerAddress(
  proxies: readonly Proxy[],
  socketAddress: string | undefined,
  lines: HeaderLines,
): string | undefined {
  const proxy = findProxy(proxies, socketAddress ?? '')
  if (proxy === undefined) return canonicalAddress(socketAddress ?? '')
  let passed = 0
  for (const hop of forwardedHops(proxy.addressHeader, lines(proxy.addressHeader))) {
    if (hop === undefined || ++passed > maxHops) return undefined
    const further = findProxy(proxies, hop)
    if (further === undefined) return hop
    // What that one says stands in another header.
    if (further.addressHeader !== proxy.addressHeader) return undefined
  }
  return undefined
}

/**
 * The certificate (DER) that a configured proxy says the caller has; `undefined` when it says nothing, not readably, or is not to be believed about it. The proxy's own, with
 * which it may have come here, is nobody's. Does not check that it is a certificate.
 */
export function callerCertificate({ certificateHeader }: Proxy, lines: HeaderLines): Uint8Array | undefined {
  return certificateHeader && readCertificateHeader(certificateHeader, lines(certificateHeader))
}

/** The lines of a header among raw ones (name, value, name, value …), as node:http gives them: its `headers` joins what came twice. */
export function rawHeaderLines(rawHeaders: readonly string[]): HeaderLines {
  return (name) => {
    const lines: string[] = []
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
      const written = rawHeaders[i] ?? ''
      if (written.length === name.length && written.toLowerCase() === name) lines.push(rawHeaders[i + 1] ?? '')
    }
    return lines
  }
}
