import type { RefusalReason } from '../refusal.ts'
import { fail, pass, type Failed, type Step } from '../step.ts'
import { judgeAddress, type CallFacts } from './judge-address.ts'
import type { FoundPolicy, NetworkPolicies } from './network-policies.ts'
import type { Network, ReferredNetwork } from './read-network-claim.ts'

/** What became of a call that passed. `reported`: what a policy that only reports would have refused it for. */
export interface NetworkPassed {
  readonly reported?: RefusalReason
}

/**
 * Whether a call comes from where its token's client may call from; at once where no policy has to be asked for. A policy that is there is enforced wherever it
 * is met.
 */
export function checkNetwork(
  stated: Network | ReferredNetwork | undefined,
  call: CallFacts,
  policies: Pick<NetworkPolicies, 'find'>,
): Step<NetworkPassed> | Promise<Step<NetworkPassed>> {
  if (stated === undefined) return pass({})
  if (stated !== 'unrestricted' && 'reference' in stated) return checkReferred(stated, call, policies)
  return judge(stated, call)
}

function judge(network: Network, call: CallFacts): Step<NetworkPassed> {
  const judged = judgeAddress(network, call)
  if (judged === 'allowed') return pass({})
  const reason = judged === 'unknown' ? 'network.address_unknown' : 'network.address_not_allowed'
  const isReportOnly = network !== 'unrestricted' && network.isReportOnly
  return isReportOnly ? pass({ reported: reason }) : fail(reason)
}

const failures: Readonly<Record<Exclude<FoundPolicy['outcome'], 'found'>, Failed>> = {
  none: fail('network.policy_unknown'),
  unavailable: fail('network.policy_unavailable'),
  no_credential: fail('network.no_credential'),
}

async function checkReferred(
  { reference }: ReferredNetwork,
  call: CallFacts,
  policies: Pick<NetworkPolicies, 'find'>,
): Promise<Step<NetworkPassed>> {
  if (reference === undefined) return fail('network.audience_not_named')
  if (reference === 'unrestricted') return judge(reference, call)
  const found = await policies.find(reference)
  return found.outcome === 'found' ? judge(found.network, call) : failures[found.outcome]
}
