import {
  endpointPaths,
  qualifyScope,
  type AuthorizationServerMetadata,
  type ClientAuthenticationMethod,
} from '@latchkey/protocol'
import type { Catalogue } from '../resource-servers/catalogue.ts'

const authenticationMethods: readonly ClientAuthenticationMethod[] = ['client_secret_basic', 'client_secret_post']

/** Builds the metadata (RFC 8414 §2). Scopes of exclusive resource servers are not advertised. */
export function serverMetadata(issuer: string, catalogue: Catalogue): AuthorizationServerMetadata {
  const advertised = [...catalogue.byName.values()].filter((server) => !server.exclusive)
  return {
    issuer,
    token_endpoint: issuer + endpointPaths.token,
    jwks_uri: issuer + endpointPaths.jwks,
    introspection_endpoint: issuer + endpointPaths.introspection,
    revocation_endpoint: issuer + endpointPaths.revocation,
    scopes_supported: advertised.flatMap((server) =>
      server.scopes.map((scope) => qualifyScope(server.name, scope.name)),
    ),
    response_types_supported: [],
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: authenticationMethods,
    introspection_endpoint_auth_methods_supported: authenticationMethods,
    revocation_endpoint_auth_methods_supported: authenticationMethods,
    lk_revocations_uri: issuer + endpointPaths.revocations,
  }
}
