import { endpointPaths } from '@latchkey/protocol'
import { verifiedChains } from '../foreign-authorities/verified-chains.ts'
import { renewEndpoint } from '../certificate-endpoint/renew-endpoint.ts'
import type { CredentialMaker } from '../clients/secrets.ts'
import type { OutcomeLog } from '../token-endpoint/group-commit.ts'
import type { Endpoint } from '../http/exchange.ts'
import type { Endpoints } from '../http/listener.ts'
import { introspectionEndpoint } from '../introspection-endpoint/introspection-endpoint.ts'
import { memoize } from '../kernel/background.ts'
import { publicDocument } from '../metadata-endpoint/document.ts'
import { jwksFreshness } from '../metadata-endpoint/jwks-freshness.ts'
import { mtlsEndpoints, publicEndpoints, renewalPath } from '../metadata-endpoint/public-endpoints.ts'
import { serverMetadata } from '../metadata-endpoint/server-metadata.ts'
import type { Catalogue } from '../resource-servers/catalogue.ts'
import { revocationEndpoint } from '../revocation-endpoint/revocation-endpoint.ts'
import { revocationFeedEndpoint } from '../revocation-feed-endpoint/revocation-feed-endpoint.ts'
import { resourceServerEndpoint } from '../resource-server-endpoint/resource-server-endpoint.ts'
import { whoamiEndpoint } from '../whoami-endpoint/whoami-endpoint.ts'
import { guessLimit } from '../token-endpoint/authenticate/guess-limit.ts'
import { groupCommit } from '../token-endpoint/group-commit.ts'
import { tokenEndpoint } from '../token-endpoint/token-endpoint.ts'
import type { PublishedRevocations } from '../tokens/revocation-feed.ts'
import type { Core } from './core.ts'
import type { Observation } from './observation.ts'
import type { Surroundings } from './surroundings.ts'
import type { TokenServices } from './token-services.ts'

const metadataFreshness = { maxAgeSeconds: 300, staleIfErrorSeconds: 86_400 }

export interface OauthSide {
  readonly endpoints: Endpoints
  /** Those at the listener that asks for certificates. */
  readonly mtlsEndpoints: Endpoints
  /** Verifiers that follow the feed as a stream. */
  readonly revocationStreams: () => number
}

/** What partners' programs and verifiers talk to. */
export function oauthEndpoints(
  core: Core,
  issuer: string,
  mtlsBase: string | undefined,
  maker: CredentialMaker,
  tokens: TokenServices,
  revocations: PublishedRevocations,
  log: OutcomeLog,
  { watch }: Pick<Observation, 'watch'>,
  { clock }: Surroundings,
): OauthSide {
  const { clients, dataKeys, keys, change } = core
  const guesses = guessLimit()
  const group = groupCommit(tokens.issuer, log, clock, () => guesses.retryAfterSeconds(clock.now()))
  const { certificates } = core.store
  const checkSubject = verifiedChains()
  const authentication = { certificates, checkSubject, clients, dataKeys, guesses, clock, log }
  const catalogue = () => core.catalogue.current()
  const { inspector } = tokens
  const feed = revocationFeedEndpoint(revocations)
  const { metadata, ...others } = {
    token: tokenEndpoint({ ...authentication, catalogue, group }),
    introspection: introspectionEndpoint({ ...authentication, inspector, catalogue }),
    revocation: revocationEndpoint({ ...authentication, inspector, change }),
    revocations: feed,
    resourceServer: resourceServerEndpoint({ ...authentication, catalogue, policies: core.store.networkPolicies }),
    whoami: whoamiEndpoint({ ...authentication, digests: core.store.digests }),
    jwks: publicDocument('application/jwk-set+json', jwksFreshness, () => keys().jwks),
    metadata: publicDocument(
      'application/json',
      metadataFreshness,
      memoize((known: Catalogue) => serverMetadata(issuer, mtlsBase, known), catalogue),
    ),
  }
  const watched = Object.fromEntries(
    (Object.keys(others) as (keyof typeof others)[]).map(
      (name) => [name, watch(name, endpointPaths[name], others[name])] as const,
    ),
  ) as Record<keyof typeof others, Endpoint>
  const endpoints = publicEndpoints(issuer, {
    ...watched,
    metadata: watch('metadata', '/.well-known/oauth-authorization-server', metadata),
  })
  const renewal = renewEndpoint({ ...authentication, change, maker: { ...maker, issuer } })
  const atMtls = { ...watched, renewal: watch('renewal', renewalPath, renewal) }
  return { endpoints, mtlsEndpoints: mtlsEndpoints(issuer, atMtls), revocationStreams: feed.streams }
}
