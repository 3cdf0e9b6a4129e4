import {
  maxNetworkClaimRanges,
  readEndpointPattern,
  type EndpointPattern,
  type EpochMs,
  type NetworkPolicyReference,
  type NetworkRestriction,
  type UnrestrictedNetwork,
} from '@latchkey/protocol'
import { addressSet } from './address-set.ts'
import type { CompiledNetwork, NamedAudience, NetworkClaimAt, NetworkPhase } from './compiled-network.ts'
import { evaluateNetwork } from './evaluate.ts'
import {
  endsOf,
  entriesAt,
  restricts,
  versionAt,
  type CoveredApi,
  type NetworkPolicy,
  type RestrictingPolicy,
} from './network-policy.ts'

/** Longest restriction that a token carries whole, in characters of JSON: many servers and proxies take 8 KiB of headers, not more. */
const maxClaimLength = 2048

/** Turns a policy into what the token path reads; undefined where nothing is restricted. */
export function compileNetwork(policy: NetworkPolicy | undefined): CompiledNetwork | undefined {
  if (!restricts(policy)) return undefined
  const { mode, covers } = policy.rules
  const coverage = covers && new Map(covers.apis.map((api) => [api.name, compileEndpoints(api)]))
  const network: CompiledNetwork = {
    id: policy.id,
    mode,
    rules: policy.rules,
    coversTokenEndpoint: covers?.tokenEndpoint ?? true,
    coverageOf: (api) => (coverage === undefined ? 'all' : coverage.get(api)),
    phaseAt: phasesOf(policy),
    atTokenEndpoint: (address, now) => evaluateNetwork(network, address, { kind: 'token-endpoint' }, now),
    claimFor: (apis, now) => claimFor(network, apis, now),
  }
  return network
}

/** What the policy means at one API, whole. */
export function restrictionAt(
  network: CompiledNetwork | undefined,
  api: string,
  now: EpochMs,
): UnrestrictedNetwork | NetworkRestriction {
  const coverage = network?.coverageOf(api)
  if (network === undefined || coverage === undefined) return 'unrestricted'
  return {
    allow: network.phaseAt(now).addresses.cidrs,
    ...(coverage === 'all' ? {} : { endpoints: coverage.map(({ text }) => text) }),
    ...(network.mode === 'report' ? { report_only: true } : {}),
  }
}

function compileEndpoints({ endpoints }: CoveredApi): 'all' | readonly EndpointPattern[] {
  if (endpoints === undefined) return 'all'
  return endpoints.map((text) => {
    const read = readEndpointPattern(text)
    if (!read.ok) throw new Error(`a stored endpoint pattern cannot be read: ${read.problem}`)
    return read.pattern
  })
}

/** What holds at a moment: made when it is first asked for, and kept until an entry ends. */
function phasesOf({ rules, ...policy }: RestrictingPolicy): CompiledNetwork['phaseAt'] {
  const ends = endsOf(rules)
  const setAt = (moment: EpochMs) => addressSet(entriesAt(rules, moment).map(({ cidr }) => cidr))
  const make = (now: EpochMs): NetworkPhase => {
    const addresses = setAt(now)
    const ahead = ends.filter((end) => end > now)
    return {
      addresses,
      version: versionAt({ ...policy, rules }, now),
      beginsAt: (ends.findLast((end) => end <= now) ?? 0) as EpochMs,
      endsAt: ahead[0],
      // Sets are shared: another one holds other addresses.
      shrinksAt: ahead.find((end) => setAt(end) !== addresses),
      claims: new Map(),
    }
  }
  let current: NetworkPhase | undefined
  return (now) => {
    if (current === undefined || now < current.beginsAt || now >= (current.endsAt ?? Infinity)) current = make(now)
    return current
  }
}

/** Sets of APIs whose claims are kept: a client chooses by `scope` which it asks for. */
const maxKeptClaims = 32

function claimFor(network: CompiledNetwork, apis: readonly NamedAudience[], now: EpochMs): NetworkClaimAt {
  const { claims } = network.phaseAt(now)
  const key = apis.length === 1 ? (apis[0]?.name ?? '') : apis.map(({ name }) => name).join(' ')
  const known = claims.get(key)
  if (known !== undefined) return known
  const made = makeClaim(network, apis, now)
  if (claims.size < maxKeptClaims) claims.set(key, made)
  return made
}

/** Whole for one audience, by reference for several and where it would make the token too long. */
function makeClaim(network: CompiledNetwork, apis: readonly NamedAudience[], now: EpochMs): NetworkClaimAt {
  const [first, ...others] = apis
  const phase = network.phaseAt(now)
  const covered = apis.filter(({ name }) => network.coverageOf(name) !== undefined)
  const isRelevant = covered.length > 0 || network.coversTokenEndpoint
  const endsAt = network.mode === 'enforce' && isRelevant ? phase.shrinksAt : undefined
  if (covered.length === 0 || first === undefined) return { claim: 'unrestricted', endsAt }
  if (others.length === 0) {
    const whole = restrictionAt(network, first.name, now)
    if (phase.addresses.cidrs.length <= maxNetworkClaimRanges && JSON.stringify(whole).length <= maxClaimLength) {
      return { claim: whole, endsAt }
    }
  }
  const reference: NetworkPolicyReference = { id: network.id, version: phase.version }
  const policies = apis.map(({ name, audience }): [string, UnrestrictedNetwork | NetworkPolicyReference] => [
    audience,
    covered.some((api) => api.name === name) ? reference : 'unrestricted',
  ])
  return { claim: { policies: Object.fromEntries(policies) }, endsAt }
}
