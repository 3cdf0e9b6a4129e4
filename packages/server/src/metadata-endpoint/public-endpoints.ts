import { authorizationServerMetadataUrl, endpointPaths } from '@latchkey/protocol'
import type { Endpoint } from '../http/exchange.ts'
import type { Endpoints } from '../http/listener.ts'

/** Puts the endpoints below the issuer's path; metadata also where RFC 8414 §3.1 and OpenID Connect Discovery §4 look for it. */
export function publicEndpoints(
  issuer: string,
  endpoints: Readonly<Record<keyof typeof endpointPaths | 'metadata', Endpoint>>,
): Endpoints {
  const base = pathOf(issuer)
  const own = (Object.keys(endpointPaths) as (keyof typeof endpointPaths)[]).map(
    (name) => [base + endpointPaths[name], endpoints[name]] as const,
  )
  return new Map([
    ...own,
    [new URL(authorizationServerMetadataUrl(issuer)).pathname, endpoints.metadata],
    [`${base}/.well-known/openid-configuration`, endpoints.metadata],
    [`/.well-known/openid-configuration${base}`, endpoints.metadata],
  ])
}

/** What clients call over the listener that asks for certificates (RFC 8705 §5). */
export function mtlsEndpoints(
  issuer: string,
  endpoints: Readonly<Record<'token' | 'introspection' | 'revocation', Endpoint>>,
): Endpoints {
  const { token, introspection, revocation } = endpoints
  return new Map(
    Object.entries({ token, introspection, revocation }).map(([name, endpoint]) => [
      pathOf(issuer) + endpointPaths[name as 'token' | 'introspection' | 'revocation'],
      endpoint,
    ]),
  )
}

function pathOf(issuer: string): string {
  return new URL(issuer).pathname.replace(/\/$/, '')
}
