import type { EpochMs } from '@latchkey/protocol'
import type { Change, ChangeContext } from '../audit/change.ts'
import type { ClientId } from '../clients/client.ts'
import { done, refused, type Result } from '../kernel/result.ts'
import type { OwnRevocationWrites, Revocation, RevocationWrites } from './ports.ts'
import type { ReadToken } from './read-token.ts'

/** Verifiers allow this much clock difference at most, in milliseconds; the entry outlives it. */
const verifierToleranceMs = 300_000

/** Every verifier keeps every entry: what one client may add to that by itself, among tokens that are still in force. */
export const maxOwnRevocations = 1000

/** Revokes one token, whose signature and expiry have been checked, for as long as it could be shown. Throws Fault `store.unavailable`: then it is not revoked. */
export async function revokeToken(
  change: Change<{ readonly revocations: RevocationWrites }>,
  context: ChangeContext,
  token: ReadToken,
): Promise<Result<undefined, never>> {
  return change(context, async (tx) => {
    await tx.revocations.append(endingOf(token), context.now)
    return { ...done(undefined), event: eventOf(token) }
  })
}

/**
 * The same for a client that revokes a token of its own (RFC 7009). Refused while {@link maxOwnRevocations} of its doing stand, at all servers together: whoever
 * gets tokens without end could else fill the memory of every verifier.
 */
export async function revokeOwnToken(
  change: Change<{ readonly revocations: OwnRevocationWrites }>,
  context: ChangeContext,
  token: ReadToken,
): Promise<Result<undefined, 'token.too_many_revoked'>> {
  const clientId = token.claims.client_id as ClientId
  return change<undefined, 'token.too_many_revoked'>(context, async (tx) => {
    const standing = await tx.revocations.countOwn(clientId, context.now)
    if (standing >= maxOwnRevocations) return refused('token.too_many_revoked')
    await tx.revocations.appendOwn(endingOf(token), clientId, context.now)
    return { ...done(undefined), event: eventOf(token) }
  })
}

function endingOf({ claims }: ReadToken): Revocation {
  return {
    kind: 'jti',
    subject: claims.jti,
    minimum: 0,
    expiresAt: (claims.exp * 1000 + verifierToleranceMs) as EpochMs,
  }
}

function eventOf({ claims }: ReadToken) {
  return { name: 'token.revoked', subject: claims.jti, details: { client_id: claims.client_id } } as const
}
