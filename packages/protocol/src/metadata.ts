import type { SigningAlgorithm } from './claims.ts'

/** Authorization server metadata (RFC 8414 §2), as far as Latchkey has something to say. */
export interface AuthorizationServerMetadata {
  readonly issuer: string
  readonly token_endpoint: string
  readonly jwks_uri: string
  readonly introspection_endpoint: string
  readonly revocation_endpoint: string
  readonly scopes_supported: readonly string[]
  /** Empty: there is no authorization endpoint. REQUIRED all the same. */
  readonly response_types_supported: readonly []
  /** Explicit, because the default would be authorization_code and implicit. */
  readonly grant_types_supported: readonly ['client_credentials']
  readonly token_endpoint_auth_methods_supported: readonly ClientAuthenticationMethod[]
  readonly introspection_endpoint_auth_methods_supported: readonly ClientAuthenticationMethod[]
  readonly revocation_endpoint_auth_methods_supported: readonly ClientAuthenticationMethod[]
  /** The same endpoints at the listener that asks for certificates (RFC 8705 §5); absent where there is none. */
  readonly mtls_endpoint_aliases?: {
    readonly token_endpoint: string
    readonly introspection_endpoint: string
    readonly revocation_endpoint: string
    readonly lk_whoami_endpoint: string
  }
  /** RFC 8705 §3.3. */
  readonly tls_client_certificate_bound_access_tokens?: true
  /** Ours: where an authenticated caller asks what it is granted, and why it was refused. */
  readonly lk_whoami_endpoint: string
  /** Ours: where verifiers follow what ended before its `exp` ({@link RevocationFeed}). */
  readonly lk_revocations_uri: string
}

/** Names of the IANA registry "OAuth Token Endpoint Authentication Methods" that this server takes. */
export type ClientAuthenticationMethod =
  | 'client_secret_basic'
  | 'client_secret_post'
  | 'tls_client_auth'
  | 'self_signed_tls_client_auth'

/** Protected resource metadata (RFC 9728 §2). */
export interface ProtectedResourceMetadata {
  readonly resource: string
  readonly authorization_servers: readonly string[]
  readonly scopes_supported?: readonly string[]
  readonly bearer_methods_supported: readonly ['header']
  readonly resource_name?: string
  readonly resource_documentation?: string
}

/** A public signing key (RFC 7517 §4) as Latchkey publishes it. */
export interface PublicSigningKey {
  readonly kty: string
  readonly kid: string
  readonly alg: SigningAlgorithm
  readonly use: 'sig'
  readonly [parameter: string]: string
}

/** A JWK set (RFC 7517 §5). */
export interface JsonWebKeySet {
  readonly keys: readonly PublicSigningKey[]
}

/** Paths below the issuer. The issuer may have a path of its own. */
export const endpointPaths = {
  token: '/oauth2/token',
  introspection: '/oauth2/introspect',
  revocation: '/oauth2/revoke',
  jwks: '/oauth2/jwks',
  revocations: '/oauth2/revocations',
  resourceServer: '/oauth2/resource-server',
  whoami: '/oauth2/whoami',
} as const

/** Where RFC 8414 §3.1 puts the metadata: the well-known part goes between host and path of the issuer. */
export function authorizationServerMetadataUrl(issuer: string): string {
  return insertWellKnown(issuer, 'oauth-authorization-server')
}

/** Where RFC 9728 §3.1 puts the metadata of a protected resource. */
export function protectedResourceMetadataUrl(resource: string): string {
  return insertWellKnown(resource, 'oauth-protected-resource')
}

function insertWellKnown(identifier: string, suffix: string): string {
  const url = new URL(identifier)
  const path = url.pathname === '/' ? '' : url.pathname
  return `${url.origin}/.well-known/${suffix}${path}${url.search}`
}
