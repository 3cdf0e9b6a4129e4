import { isDeepStrictEqual } from 'node:util'
import type { EpochMs } from '@latchkey/protocol'
import { randomLowercase } from '../kernel/ids.ts'
import type { Random } from '../kernel/random.ts'
import { refuseChange, type ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import type { ResourceServerWrites } from '../resource-servers/ports.ts'
import { versionAt, type NetworkMode, type NetworkPolicy, type NetworkPolicyId } from './network-policy.ts'
import { readNetworkRules, type WrittenAddress, type WrittenCoverage } from './read-network-rules.ts'

/** What shall be of a policy; what is absent stays, and in a new one has its default: enforced, everywhere. */
export interface NetworkChange {
  readonly mode?: NetworkMode | undefined
  /** Replaces the list. */
  readonly allow?: readonly WrittenAddress[] | undefined
  /** `null`: everything. */
  readonly covers?: WrittenCoverage | null | undefined
}

/** {@link NetworkChange}, or `lifted`; with the name that a first policy gets. */
export interface RequestedNetwork {
  readonly change: NetworkChange | 'lifted'
  readonly idIfNew: NetworkPolicyId
}

const idLength = 24

export function newNetworkPolicyId(random: Random): NetworkPolicyId {
  return randomLowercase(random, idLength) as NetworkPolicyId
}

/**
 * The policy after a change; the same object when nothing changes. Refuses with `network.invalid` and `network.no_policy`, and with
 * `resource_server.unknown` for an API that is covered anew and not registered.
 */
export async function changeNetwork(
  resourceServers: Pick<ResourceServerWrites, 'find'>,
  before: NetworkPolicy | undefined,
  { change, idIfNew }: RequestedNetwork,
  now: EpochMs,
): Promise<Result<NetworkPolicy | undefined, ChangeRefusal>> {
  const known = before?.rules
  if (change === 'lifted') return done(known === undefined ? before : next(before, idIfNew, undefined, now))
  const allow = change.allow ?? known?.allow
  if (allow === undefined) {
    return refuseChange(
      'network.no_policy',
      'there is no network policy yet: name the addresses that it allows',
      'network.allow',
    )
  }
  const covers = change.covers === undefined ? known?.covers : (change.covers ?? undefined)
  const read = readNetworkRules({ mode: change.mode ?? known?.mode ?? 'enforce', allow, covers })
  if (!read.ok) return refuseChange('network.invalid', read.refusal.message, `network.${read.refusal.field}`)
  for (const [i, { name }] of (change.covers?.apis ?? []).entries()) {
    const isKnown = known?.covers?.apis.some((api) => api.name === name) === true
    if (!isKnown && (await resourceServers.find(name)) === undefined) {
      const message = `there is no resource server ${name}`
      return refuseChange('resource_server.unknown', message, `network.covers.apis.${i}.name`)
    }
  }
  return done(isDeepStrictEqual(known, read.value) ? before : next(before, idIfNew, read.value, now))
}

function next(
  before: NetworkPolicy | undefined,
  idIfNew: NetworkPolicyId,
  rules: NetworkPolicy['rules'],
  now: EpochMs,
): NetworkPolicy {
  const seen = before === undefined ? 0 : versionAt(before, now)
  return { id: before?.id ?? idIfNew, version: Math.max(seen + 1, now), rules }
}
