import { coversEndpoint, isWithin } from '@latchkey/protocol'
import type { Network } from './read-network-claim.ts'

/** A call, as far as a network policy asks. */
export interface CallFacts {
  /** As the socket or a configured proxy tells, in its one spelling; undefined: unknown. */
  readonly address: string | undefined
  /** Undefined: unknown, so that every endpoint is meant. */
  readonly method: string | undefined
  /** With or without query. */
  readonly target: string | undefined
}

export type AddressJudgement = 'allowed' | 'not_allowed' | 'unknown'

/** Whether a call comes from where its client may call from. Does not look at report-only: see `isReportOnly`. */
export function judgeAddress(network: Network, { address, method, target }: CallFacts): AddressJudgement {
  if (network === 'unrestricted') return 'allowed'
  const isCovered = (network.endpoints ?? [undefined]).some(
    (pattern) =>
      pattern === undefined ||
      method === undefined ||
      target === undefined ||
      coversEndpoint(pattern, method, pathOf(target)),
  )
  if (!isCovered) return 'allowed'
  if (address === undefined) return 'unknown'
  return isWithin(network.ranges, address) ? 'allowed' : 'not_allowed'
}

/** A target without its query. */
export function pathOf(target: string): string {
  const end = target.indexOf('?')
  return end === -1 ? target : target.slice(0, end)
}
