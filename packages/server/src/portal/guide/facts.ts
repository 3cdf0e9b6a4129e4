import {
  authorizationServerMetadataUrl,
  defaultTokenLifetimeSeconds,
  endpointPaths,
  maxTokenLifetimeSeconds,
  pagePaths,
  qualifyScope,
} from '@latchkey/protocol'
import type { RequestMode } from '../../access-requests/desk.ts'
import { askableServers } from '../../access-requests/check-form.ts'
import { requestMode } from '../../access-requests/submit-request.ts'
import type { PortalServices } from '../services.ts'

/** What is true of this server at this moment: all that the guide stands on. */
export interface GuideFacts {
  readonly issuer: string
  readonly host: string
  readonly tokenEndpoint: string
  readonly revocationEndpoint: string
  readonly whoamiEndpoint: string
  readonly metadataUrl: string
  readonly requestPage: string
  /** Where certificates are shown; undefined where nobody is asked for them. */
  readonly mtls:
    | {
        readonly tokenEndpoint: string
        readonly renewEndpoint: string
        /** Where the authority of the server's certificate is; undefined: a public one. */
        readonly serverAuthority: string | undefined
      }
    | undefined
  readonly requests: RequestMode
  readonly apis: readonly {
    readonly name: string
    readonly audience: string
    /** Longest life of a token for it, in seconds. */
    readonly tokenTtlSeconds: number
    readonly scopes: readonly { readonly scope: string; readonly description: string }[]
  }[]
}

export function guideFacts(services: PortalServices): GuideFacts {
  const { issuer, tokenEndpoint, requests, catalogue, mtls, serverTrust } = services
  return {
    issuer,
    host: new URL(issuer).host,
    tokenEndpoint,
    revocationEndpoint: issuer + endpointPaths.revocation,
    whoamiEndpoint: issuer + endpointPaths.whoami,
    metadataUrl: authorizationServerMetadataUrl(issuer),
    requestPage: issuer + pagePaths.accessRequests,
    mtls: mtls && { ...mtls, serverAuthority: serverTrust() === undefined ? undefined : `${issuer}/ca/server.pem` },
    requests: requestMode(requests),
    apis: askableServers(catalogue()).map(({ name, audience, tokenTtlSeconds, scopes }) => ({
      name,
      audience,
      tokenTtlSeconds: Math.min(tokenTtlSeconds ?? defaultTokenLifetimeSeconds, maxTokenLifetimeSeconds),
      scopes: scopes.map((scope) => ({ scope: qualifyScope(name, scope.name), description: scope.description })),
    })),
  }
}
