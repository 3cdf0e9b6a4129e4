import {
  endpointPaths,
  qualifyScope,
  type AuthorizationServerMetadata,
  type ClientAuthenticationMethod,
} from '@latchkey/protocol'
import type { Catalogue } from '../resource-servers/catalogue.ts'

const bySecret: readonly ClientAuthenticationMethod[] = ['client_secret_basic', 'client_secret_post']
const byCertificate: readonly ClientAuthenticationMethod[] = ['tls_client_auth', 'self_signed_tls_client_auth']

/**
 * Builds the metadata (RFC 8414 §2, RFC 8705 §5); `mtlsBase` is what endpoint paths stand behind at the listener that asks for certificates. Scopes of
 * exclusive resource servers are not advertised.
 */
export function serverMetadata(
  issuer: string,
  mtlsBase: string | undefined,
  catalogue: Catalogue,
): AuthorizationServerMetadata {
  const authenticationMethods = mtlsBase === undefined ? bySecret : [...bySecret, ...byCertificate]
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
    ...(mtlsBase === undefined
      ? {}
      : {
          mtls_endpoint_aliases: {
            token_endpoint: mtlsBase + endpointPaths.token,
            introspection_endpoint: mtlsBase + endpointPaths.introspection,
            revocation_endpoint: mtlsBase + endpointPaths.revocation,
            lk_whoami_endpoint: mtlsBase + endpointPaths.whoami,
          },
          tls_client_certificate_bound_access_tokens: true,
        }),
    lk_whoami_endpoint: issuer + endpointPaths.whoami,
    lk_revocations_uri: issuer + endpointPaths.revocations,
  }
}
