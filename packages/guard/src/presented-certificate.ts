import { readCertificateHeader, type CertificateHeader } from '@latchkey/protocol'
import type { RequestFacts } from './request-facts.ts'

/** Proxies that end the callers' TLS, and the one header in which they tell of a certificate. */
export interface CertificateProxies {
  readonly isProxy: (address: string) => boolean
  readonly header: CertificateHeader
}

/**
 * `x5t#S256` (RFC 8705 §3.1) of the caller's certificate: that of the connection or, where the other side of it is a configured proxy, what that one says;
 * then never the proxy's own. Undefined: there is none, or nothing that can be believed.
 */
export async function presentedThumbprint(
  { connection, certificateHeaders = {} }: RequestFacts,
  proxies: CertificateProxies | undefined,
): Promise<string | undefined> {
  if (connection === undefined) return undefined
  const isProxied = proxies !== undefined && proxies.isProxy(connection.address ?? '')
  const der = isProxied
    ? readCertificateHeader(proxies.header, certificateHeaders[proxies.header] ?? [])
    : connection.certificate
  if (der === undefined) return undefined
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(der)))
  return btoa(String.fromCharCode(...digest))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace('=', '')
}
