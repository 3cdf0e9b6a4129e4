import { callerAddress, callerCertificate, findProxy, type HeaderLines, type Proxy } from '@latchkey/protocol'
import type { RequestFacts } from './request-facts.ts'

/** Who is behind a request: the other side of the connection or, where that is a configured proxy, whom that one names. */
export interface Caller {
  /** In its one spelling (`network.ts` of protocol). Undefined: not known, or nothing that can be believed; then no policy may let it pass. */
  readonly address: string | undefined
  /** `x5t#S256` (RFC 8705 §3.1) of the caller's certificate, and never of a proxy's own. Undefined: there is none, or nothing that can be believed. */
  thumbprint(): Promise<string | undefined>
}

export function findCaller({ connection, forwarding = {} }: RequestFacts, proxies: readonly Proxy[]): Caller {
  const lines: HeaderLines = (name) => forwarding[name] ?? []
  return {
    address: callerAddress(proxies, connection?.address, lines),
    async thumbprint() {
      const proxy = findProxy(proxies, connection?.address ?? '')
      const der = proxy === undefined ? connection?.certificate : callerCertificate(proxy, lines)
      return der && thumbprintOf(der)
    },
  }
}

async function thumbprintOf(der: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(der)))
  return btoa(String.fromCharCode(...digest))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace('=', '')
}
