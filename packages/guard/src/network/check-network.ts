import type { RefusalReason } from '../refusal.ts'
import { fail, pass, type Failed, type Step } from '../step.ts'
import { judgeAddress, type CallFacts } from './judge-address.ts'
import type { FoundPolicy, NetworkPolicies } from './network-policies.ts'
import type { Network, ReferredNetwork } from './read-network-claim.ts'

/** What became of a call that passed. `reported`: what a policy that only reports would have refused it for. */
export interface NetworkPassed {
  readonly reported?: RefusalReason
}

/** Whether a call comes from where its token's client may call from. A policy that is there is enforced wherever it is met. */
export async function checkNetwork(
  stated: Network | ReferredNetwork | undefined,
  call: CallFacts,
  policies: Pick<NetworkPolicies, 'find'>,
): Promise<Step<NetworkPassed>> {
  if (stated === undefined) return pass({})
  const network = await resolve(stated, policies)
  if (!network.ok) return network
  const judged = judgeAddress(network.value, call)
  if (judged === 'allowed') return pass({})
  const reason = judged === 'unknown' ? 'network.address_unknown' : 'network.address_not_allowed'
  const isReportOnly = network.value !== 'unrestricted' && network.value.isReportOnly
  return isReportOnly ? pass({ reported: reason }) : fail(reason)
}

const failures: Readonly<Record<Exclude<FoundPolicy['outcome'], 'found'>, Failed>> = {
  none: fail('network.policy_unknown'),
  unavailable: fail('network.policy_unavailable'),
  no_credential: fail('network.no_credential'),
}

async function resolve(
  stated: Network | ReferredNetwork,
  policies: Pick<NetworkPolicies, 'find'>,
): Promise<Step<Network>> {
  if (stated === 'unrestricted' || !('reference' in stated)) return pass(stated)
  const { reference } = stated
  if (reference === undefined) return fail('network.audience_not_named')
  if (reference === 'unrestricted') return pass(reference)
  const found = await policies.find(reference)
  return found.outcome === 'found' ? pass(found.network) : failures[found.outcome]
}
