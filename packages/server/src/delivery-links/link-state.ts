import type { EpochMs } from '@latchkey/protocol'
import type { DeliveryLink, LinkEnding } from './link.ts'

/** What a link is at a moment. `claimed`: shown, neither confirmed nor used yet. `delivered`: confirmed or used. */
export type LinkState = 'open' | 'claimed' | 'delivered' | 'undelivered' | 'disowned' | 'revoked' | 'expired' | 'locked'

/** How long after the claim "That was not me" revokes the credential by itself. */
export const disownMs: number = 7 * 86_400_000

/** How long a claim may go without a sign that it arrived. */
export const confirmMs: number = 15 * 60_000

const stateOfEnding: Readonly<Record<LinkEnding, LinkState>> = {
  revoked: 'revoked',
  superseded: 'revoked',
  restored: 'revoked',
  locked: 'locked',
  undelivered: 'undelivered',
  disowned: 'disowned',
}

export function linkState(link: DeliveryLink, now: EpochMs): LinkState {
  if (link.ending !== undefined) return stateOfEnding[link.ending]
  if (link.confirmedAt !== undefined) return 'delivered'
  if (link.claimedAt !== undefined) return 'claimed'
  return link.expiresAt <= now ? 'expired' : 'open'
}
