import { maxTokenLifetimeSeconds, type EpochMs } from '@latchkey/protocol'
import type { RevocationWrites } from '../tokens/ports.ts'
import type { ClientRecord } from './compile.ts'
import { nextGeneration, type Credential } from './credential.ts'
import type { ClientWrites } from './ports.ts'

/** The slices of a change in which access can end. */
export interface EndAccessTransaction {
  readonly clients: ClientWrites
  readonly revocations: RevocationWrites
}

/** Verifiers allow this much clock difference at most, in seconds; a revocation entry outlives it. */
const verifierToleranceSeconds = 300

/** How long an entry made at `now` must be published: until the last token that it could concern has expired everywhere. */
export function revocationExpiry(now: EpochMs): EpochMs {
  return (now + (maxTokenLifetimeSeconds + verifierToleranceSeconds) * 1000) as EpochMs
}

/** Ends every token that this credential took part in, by raising its generation. The credential itself stays as it is. */
export async function endTokensOf(tx: EndAccessTransaction, credential: Credential, now: EpochMs): Promise<Credential> {
  const raised = { ...credential, generation: nextGeneration(credential.generation, now) }
  await tx.clients.updateCredential(raised)
  await tx.revocations.append(
    { kind: 'credential', subject: raised.reference, minimum: raised.generation, expiresAt: revocationExpiry(now) },
    now,
  )
  return raised
}

/** Ends every token of a client: for any change that makes its access smaller. */
export async function endTokensOfClient(tx: EndAccessTransaction, record: ClientRecord, now: EpochMs): Promise<void> {
  for (const credential of record.credentials) await endTokensOf(tx, credential, now)
}
