import type { LinkStatus } from '@latchkey/portal-contract'
import { toSeconds, type EpochMs } from '@latchkey/protocol'
import type { ClientAuthentication } from '../../clients/authentication.ts'
import { neededKey } from '../../delivery-links/claim-key.ts'
import { disownMs, linkState } from '../../delivery-links/link-state.ts'
import type { DeliveryLink } from '../../delivery-links/link.ts'

/** What whoever has the key may know of a link. */
export function linkShape(link: DeliveryLink, authentication: ClientAuthentication, now: EpochMs): LinkStatus {
  const { claimedAt } = link
  return {
    state: linkState(link, now),
    client_name: link.clientName,
    expires_at: toSeconds(link.expiresAt),
    needs_code: link.codeDigest !== undefined,
    authentication,
    needs_key: neededKey(link, authentication),
    ...(claimedAt === undefined
      ? {}
      : { claimed_at: toSeconds(claimedAt), disown_until: toSeconds((claimedAt + disownMs) as EpochMs) }),
  }
}
