import type { DeliveryLink as LinkDocument } from '@latchkey/admin-contract'
import type { EpochMs } from '@latchkey/protocol'
import { linkState } from '../../delivery-links/link-state.ts'
import type { DeliveryLink } from '../../delivery-links/link.ts'
import { toSeconds } from '@latchkey/protocol'
import { optionalSeconds } from '../shapes.ts'

/** A delivery link as the contract spells it. Digests have no place in it. */
export function linkRecord(link: DeliveryLink, now: EpochMs): LinkDocument {
  return {
    id: link.id,
    client_id: link.clientId,
    client_name: link.clientName,
    state: linkState(link, now),
    contact_address: link.contactAddress,
    needs_code: link.codeDigest !== undefined,
    request_id: link.requestId,
    created_at: toSeconds(link.createdAt),
    created_by: link.createdBy,
    expires_at: toSeconds(link.expiresAt),
    claimed_at: optionalSeconds(link.claimedAt),
    confirmed_at: optionalSeconds(link.confirmedAt),
    ended_at: optionalSeconds(link.endedAt),
    disowned_at: optionalSeconds(link.disownedAt),
    secret_id: link.credentialId,
    certificate_serial: link.certificateSerial,
    registered_key_id: link.certificateSerial === undefined ? link.keyCredentialId : undefined,
  }
}
