import { adminResourceServer, adminScopes } from '@latchkey/admin-contract'
import type { ProtectedResourceMetadata } from '@latchkey/protocol'

/** Where it stands on the admin listener (RFC 9728 §3.1; the resource is the listener's origin). */
export const resourceMetadataPath = '/.well-known/oauth-protected-resource'

/**
 * What a caller must know to get a token (RFC 9728 §2). `resource` is the address that was asked, as §3.3 wants it; the audience of the tokens is
 * another, `urn:latchkey:admin`, which does not change with the port. Who asks by `scope` gets it without naming it.
 */
export function resourceMetadata(origin: string, issuer: string): ProtectedResourceMetadata {
  return {
    resource: origin,
    authorization_servers: [issuer],
    scopes_supported: Object.keys(adminScopes).map((name) => `${adminResourceServer}/${name}`),
    bearer_methods_supported: ['header'],
    resource_name: 'Latchkey admin API',
  }
}
