import { authorizationServerMetadataUrl, endpointPaths } from '@latchkey/protocol'
import type { Endpoint } from '../http/exchange.ts'
import type { Endpoints } from '../http/listener.ts'

type OwnEndpoints = Readonly<Partial<Record<keyof typeof endpointPaths, Endpoint>>>

/** Puts the endpoints below the issuer's path; metadata also where RFC 8414 §3.1 and OpenID Connect Discovery §4 look for it. */
export function publicEndpoints(
  issuer: string,
  { metadata, ...others }: OwnEndpoints & { readonly metadata: Endpoint },
): Endpoints {
  const base = pathOf(issuer)
  const own = (Object.entries(others) as [keyof OwnEndpoints, Endpoint][]).map(
    ([name, endpoint]) => [base + endpointPaths[name], endpoint] as const,
  )
  return new Map([
    ...own,
    [new URL(authorizationServerMetadataUrl(issuer)).pathname, metadata],
    [`${base}/.well-known/openid-configuration`, metadata],
    [`/.well-known/openid-configuration${base}`, metadata],
  ])
}

/** What clients call over the listener that asks for certificates (RFC 8705 §5). */
export function mtlsEndpoints(
  issuer: string,
  {
    token,
    introspection,
    revocation,
    whoami,
    renewal,
  }: Readonly<Record<'token' | 'introspection' | 'revocation' | 'whoami' | 'renewal', Endpoint>>,
): Endpoints {
  const base = pathOf(issuer)
  return new Map([
    [base + endpointPaths.token, token],
    [base + endpointPaths.introspection, introspection],
    [base + endpointPaths.revocation, revocation],
    [base + endpointPaths.whoami, whoami],
    [base + renewalPath, renewal],
  ])
}

/** Below the issuer, at that listener alone. */
export const renewalPath = '/ca/renew'

function pathOf(issuer: string): string {
  return new URL(issuer).pathname.replace(/\/$/, '')
}
