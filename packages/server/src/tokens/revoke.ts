import type { EpochMs } from '@latchkey/protocol'
import type { Change, ChangeContext } from '../audit/change.ts'
import { done, type Result } from '../kernel/result.ts'
import type { RevocationWrites } from './ports.ts'
import type { ReadToken } from './read-token.ts'

/** Verifiers allow this much clock difference at most, in milliseconds; the entry outlives it. */
const verifierToleranceMs = 300_000

/** Revokes one token, whose signature and expiry have been checked, for as long as it could be shown. Throws Fault `store.unavailable`: then it is not revoked. */
export async function revokeToken(
  change: Change<{ readonly revocations: RevocationWrites }>,
  context: ChangeContext,
  token: ReadToken,
): Promise<Result<undefined, never>> {
  const { jti, client_id: clientId, exp } = token.claims
  return change(context, async (tx) => {
    const expiresAt = (exp * 1000 + verifierToleranceMs) as EpochMs
    await tx.revocations.append({ kind: 'jti', subject: jti, minimum: 0, expiresAt }, context.now)
    return { ...done(undefined), event: { name: 'token.revoked', subject: jti, details: { client_id: clientId } } }
  })
}
