import type { Random } from '../kernel/random.ts'
import { refuseChange, type ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import { newNetworkPolicyId, type RequestedNetwork } from '../network-policy/change-network.ts'
import type { AccessRequest, ApprovedNetwork } from './request.ts'

/**
 * Where the client may call from, with what was left to the request filled in. A new client gets the addresses that were asked for, unless somebody says otherwise;
 * what a client that there is allows, nobody changes by silence. Refuses with `request.addresses_undecided`.
 */
export function approvedNetwork(
  { id, form }: AccessRequest,
  chosen: ApprovedNetwork | undefined,
): Result<ApprovedNetwork | undefined, ChangeRefusal> {
  const asked = form.source_addresses
  if (form.client_id !== undefined) {
    if (chosen !== undefined || asked.length === 0) return done(chosen)
    const count = `${asked.length} source ${asked.length === 1 ? 'address' : 'addresses'}`
    const message = `the request names ${count}, and a client that there is: say what shall be of them`
    return refuseChange('request.addresses_undecided', message, 'network')
  }
  if (chosen === 'left-out') return done(chosen)
  const allow = asked.map((cidr) => ({ cidr, note: `access request ${id}` }))
  if (chosen === undefined) return done(asked.length === 0 ? undefined : { allow })
  return done({ ...chosen, allow: chosen.allow ?? (allow.length === 0 ? undefined : allow) })
}

/** As they are kept: JSON, which has no members that are undefined. */
export function isSameNetwork(one: ApprovedNetwork | undefined, other: ApprovedNetwork | undefined): boolean {
  return JSON.stringify(one ?? null) === JSON.stringify(other ?? null)
}

export function requestedNetwork(random: Random, network: ApprovedNetwork | undefined): RequestedNetwork | undefined {
  if (network === undefined || network === 'left-out') return undefined
  return { change: network, idIfNew: newNetworkPolicyId(random) }
}
