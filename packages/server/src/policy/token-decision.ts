import {
  defaultTokenLifetimeSeconds,
  maxTokenLifetimeSeconds,
  toSeconds,
  type EpochMs,
  type EpochSeconds,
  type NetworkClaim,
  type Scope,
} from '@latchkey/protocol'
import type {
  CompiledClient,
  CompiledCredential,
  CompiledResourceServer,
  ScopeSet,
} from '../clients/compiled-client.ts'
import type { Catalogue } from '../resource-servers/catalogue.ts'
import type { TokenRequest } from './token-request.ts'
import { scopeSet } from './scope-set.ts'

/** Everything that a decision may depend on. */
export interface TokenFacts {
  readonly client: CompiledClient
  /** The credentials that took part: they have proved right and are in force. */
  readonly credentials: readonly CompiledCredential[]
  /** `x5t#S256` of the certificate that took part. */
  readonly boundTo: string | undefined
  /** Where the caller is, in its one spelling; undefined: an administrator asks, not the client. */
  readonly address: string | undefined
  readonly catalogue: Catalogue
  readonly request: TokenRequest
  readonly now: EpochMs
}

/** Leave to issue one token. */
export interface Grant {
  readonly kind: 'grant'
  readonly client: CompiledClient
  readonly credentials: readonly CompiledCredential[]
  /** What the token is bound to; undefined: to nothing. */
  readonly boundTo: string | undefined
  readonly scopes: ScopeSet
  /** Where the token may be used from. */
  readonly network: NetworkClaim
  /** Whether the address would have been refused if the policy did more than report. */
  readonly wouldRefuseAddress: boolean
  readonly issuedAt: EpochSeconds
  readonly expiresAt: EpochSeconds
}

/** Why a client that proved who it is gets no token. */
export const denials = {
  'client.disabled': 'The client is disabled.',
  'client.certificate_required':
    'The client gets only tokens that are bound to its certificate, and none took part (RFC 8705 §3).',
  'client.is_resource_server': "A resource server's credential introspects; it gets no tokens.",
  'network.address_not_allowed':
    'The client may not call from this address, or from one that cannot be read; its credential is right, so somebody else may have it.',
  'scope.malformed': '`scope` breaks the grammar of RFC 6749 §3.3: single spaces between printable characters.',
  'scope.unknown': 'A requested scope is not registered.',
  'scope.not_granted': 'A requested scope is registered, but this client does not hold it.',
  'scope.ended': 'The client held a requested scope, or all that it would get, until an end date that is past.',
  'scope.exclusive': 'A scope of an exclusive resource server is requested together with another resource server’s.',
  'scope.nothing_granted': 'The client holds no scope that a request without `scope` could get.',
  'scope.nothing_left': 'None of the requested scopes belongs to the requested resources.',
  'resource.unknown': 'A requested `resource` is no registered audience (RFC 8707 §2).',
  'resource.not_granted': 'The client holds no scope at a requested `resource`.',
  'lifetime.nothing_left': 'The credential, or a scope, ends within the second.',
} as const
export type DenialReason = keyof typeof denials

export interface Denial {
  readonly kind: 'denial'
  readonly reason: DenialReason
  /** The scope, resource or address that it is about. */
  readonly about?: string | undefined
}

/**
 * Decides one token request: pure and total. Client state, address, scopes, audiences and lifetime meet here and nowhere else.
 * A call without `scope` gets all that the client holds, but never what is exclusive (RFC 6749 §3.3); `resource` narrows it. No token outlives a
 * scope in it, nor an address that it says it may be used from.
 */
export function decideToken(facts: TokenFacts): Grant | Denial {
  const { client, credentials, boundTo, address, now } = facts
  const { network } = client
  if (client.state !== 'enabled') return deny('client.disabled')
  if (client.kind === 'resource-server') return deny('client.is_resource_server')
  if (client.authentication !== 'secret' && boundTo === undefined) return deny('client.certificate_required')
  const verdict = address === undefined ? 'allowed' : (network?.atTokenEndpoint(address, now) ?? 'allowed')
  if (verdict === 'not_allowed') return deny('network.address_not_allowed', address === '' ? 'unknown' : address)
  const scopes = decideScopes(facts)
  if ('kind' in scopes) return scopes

  const issuedAt = toSeconds(now)
  const asked = Math.min(client.tokenTtlSeconds ?? Infinity, scopes.tokenTtlSeconds ?? Infinity)
  const lifetime = Math.min(asked === Infinity ? defaultTokenLifetimeSeconds : asked, maxTokenLifetimeSeconds)
  const place = network?.claimFor(scopes.servers, now) ?? anywhere
  const ends = [scopes, place, ...credentials.map(({ expiresAt }) => ({ endsAt: expiresAt }))].map(({ endsAt }) =>
    Math.floor((endsAt ?? Infinity) / 1000),
  )
  const expiresAt = Math.min(issuedAt + lifetime, ...ends) as EpochSeconds
  if (expiresAt <= issuedAt) return deny('lifetime.nothing_left')
  return {
    kind: 'grant',
    client,
    credentials,
    boundTo,
    scopes,
    network: place.claim,
    wouldRefuseAddress: verdict === 'would_refuse',
    issuedAt,
    expiresAt,
  }
}

function decideScopes({ client, catalogue, request, now }: TokenFacts): ScopeSet | Denial {
  const { scope, resources } = request
  if (scope.kind === 'malformed') return deny('scope.malformed')
  const { defaultGrant, scopeEnds } = client
  const hasEnded = (item: Scope): boolean => (scopeEnds.get(item) ?? Infinity) <= now
  const isWhole = (defaultGrant.endsAt ?? Infinity) > now
  if (scope.kind === 'omitted' && resources.length === 0 && isWhole) {
    return defaultGrant.scopes.length > 0 ? defaultGrant : deny('scope.nothing_granted')
  }
  const named = scope.kind === 'named' ? scope.scopes : defaultGrant.scopes.filter((item) => isWhole || !hasEnded(item))
  if (named.length === 0 && defaultGrant.scopes.length > 0) return deny('scope.ended')
  const wanted: (readonly [(typeof named)[number], CompiledResourceServer])[] = []
  for (const item of named) {
    const server = client.grants.get(item)
    if (server === undefined) return deny(catalogue.scopes.has(item) ? 'scope.not_granted' : 'scope.unknown', item)
    if (hasEnded(item)) return deny('scope.ended', item)
    wanted.push([item, server])
  }
  const targets = new Set<string>()
  for (const resource of resources) {
    const target = catalogue.byAudience.get(resource)
    if (target === undefined) return deny('resource.unknown', resource)
    if (![...client.grants.values()].some((server) => server.name === target.name)) {
      return deny('resource.not_granted', resource)
    }
    targets.add(target.name)
  }
  const granted = targets.size === 0 ? wanted : wanted.filter(([, server]) => targets.has(server.name))
  if (granted.length === 0) return deny('scope.nothing_left')
  const first = granted[0]?.[1].name
  const exclusive = granted.find(([, server]) => server.exclusive)
  if (exclusive !== undefined && granted.some(([, server]) => server.name !== first)) {
    return deny('scope.exclusive', exclusive[0])
  }
  return scopeSet(granted, scopeEnds)
}

const anywhere = { claim: 'unrestricted', endsAt: undefined } as const

function deny(reason: DenialReason, about?: string): Denial {
  return { kind: 'denial', reason, about }
}
