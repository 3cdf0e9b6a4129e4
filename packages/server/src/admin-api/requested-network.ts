import type { NetworkChange } from '@latchkey/admin-contract'
import type { EpochMs } from '@latchkey/protocol'
import type { Random } from '../kernel/random.ts'
import type * as domain from '../network-policy/change-network.ts'
import { newNetworkPolicyId, type RequestedNetwork } from '../network-policy/change-network.ts'

/** A change of a network policy as the domain has it; null lifts it. */
export function requestedNetwork(
  random: Random,
  given: NetworkChange | null | undefined,
): RequestedNetwork | undefined {
  if (given === undefined) return undefined
  const idIfNew = newNetworkPolicyId(random)
  if (given === null) return { change: 'lifted', idIfNew }
  return { idIfNew, change: networkChangeOf(given) }
}

export function networkChangeOf({ mode, allow, covers }: NetworkChange): domain.NetworkChange {
  return {
    mode,
    allow: allow?.map(({ cidr, note, ends_at: end }) => ({
      cidr,
      note,
      endsAt: end === undefined ? undefined : ((end * 1000) as EpochMs),
    })),
    covers: covers && { tokenEndpoint: covers.token_endpoint, apis: covers.apis },
  }
}
