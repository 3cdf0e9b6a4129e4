import type { EpochMs } from '@latchkey/protocol'
import { refused } from '../kernel/result.ts'
import type { DeliveryLink } from './link.ts'
import { linkState, type LinkState } from './link-state.ts'

/** Why somebody with a link did not get what he wanted. */
export type LinkRefusal =
  | 'link.unknown'
  | 'link.expired'
  | 'link.revoked'
  | 'link.claimed'
  | 'link.undelivered'
  | 'link.disowned'
  | 'link.code_needed'
  | 'link.code_wrong'
  | 'link.locked'
  | 'link.client_unavailable'
  | 'link.receipt_wrong'
  | 'link.not_claimed'

export function refuseLink(refusal: LinkRefusal): { readonly ok: false; readonly refusal: LinkRefusal } {
  return refused(refusal)
}

const refusalOf: Readonly<Record<Exclude<LinkState, 'open'>, LinkRefusal>> = {
  claimed: 'link.claimed',
  delivered: 'link.claimed',
  undelivered: 'link.undelivered',
  disowned: 'link.disowned',
  revoked: 'link.revoked',
  expired: 'link.expired',
  locked: 'link.locked',
}

/** Why this link cannot be claimed; undefined when it can. */
export function whyNotOpen(link: DeliveryLink, now: EpochMs): LinkRefusal | undefined {
  const state = linkState(link, now)
  return state === 'open' ? undefined : refusalOf[state]
}
