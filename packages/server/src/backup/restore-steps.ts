import { maxTokenLifetimeSeconds, type EpochMs, type SigningAlgorithm } from '@latchkey/protocol'
import { generateSigningKeyPair } from '../keys/algorithms.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import { sealSigningKey } from '../keys/sealed-signing-key.ts'
import { createTokenKey } from '../keys/signing-keys.ts'
import type { HandedOut, RestoreEndings } from './ports.ts'

/** What a restore has to know of the moment in which it happens. */
export interface RestoreMoment {
  readonly now: EpochMs
  /** By the database that is replaced. */
  readonly handedOut: HandedOut
  /** What new signing keys are made for. */
  readonly algorithm: SigningAlgorithm
  /** Of the restored database. */
  readonly dataKeys: DataKeys
}

/** Something that must not come back to life with the restored rows. */
export interface RestoreStep {
  /** For the report: what was done. */
  readonly name: string
  perform(endings: RestoreEndings, moment: RestoreMoment): Promise<void>
}

/** How long after the restore a verifier has to know of it, beyond the longest life of a token, in milliseconds: for clocks that differ. */
const marginMs = 3_600_000

/**
 * Everything that is ended by a restore, in order. What a later version lets stay open is voided by a step of its own here.
 */
export const restoreSteps: readonly RestoreStep[] = [
  {
    name: 'every token that was issued before is refused (one floor for all generations)',
    async perform(endings, { now, handedOut }) {
      const restored = await endings.handedOut()
      // Above everything that either database knows; what neither knows was handed out before now, as far as clocks are right.
      const generation = Math.max(handedOut.generation + 1, restored.generation + 1, now)
      const sequence = Math.max(handedOut.sequence, restored.sequence)
      await endings.setGenerations(generation)
      await endings.setSequence(sequence)
      await endings.revocations.append(
        { kind: 'floor', subject: '', minimum: generation, expiresAt: knownUntil(now) },
        now,
      )
    },
  },
  {
    // One that was revoked since the backup would sign again; and what any of them signed is refused by the floor all the same.
    name: 'every token signing key is revoked, and new ones are made',
    async perform({ signingKeys, revocations }, { now, dataKeys, algorithm }) {
      const keys = await signingKeys.all()
      for (const key of keys.filter(({ purpose, state }) => purpose === 'token' && state !== 'revoked')) {
        await signingKeys.update(
          sealSigningKey({ ...key, state: 'revoked', revokedAt: now }, key.publicJwk, undefined, dataKeys),
        )
        await revocations.append({ kind: 'kid', subject: key.kid, minimum: 0, expiresAt: knownUntil(now) }, now)
      }
      for (const state of ['active', 'standby'] as const) {
        const pair = await generateSigningKeyPair(algorithm)
        await signingKeys.insert(await createTokenKey(algorithm, pair, state, dataKeys, now))
      }
    },
  },
  {
    // Who has a link of before may have been shown the credential since; nothing here would know of it.
    name: 'every open delivery link is void, and what was shown and never confirmed is revoked',
    perform: (endings, { now }) => endings.voidLinks(now),
  },
  {
    // They were sent since the backup, or are about links that lead nowhere now.
    name: 'messages that waited to be sent are forgotten',
    perform: (endings) => endings.dropNotices(),
  },
]

/** When the last token of before has expired everywhere. */
function knownUntil(now: EpochMs): EpochMs {
  return (now + maxTokenLifetimeSeconds * 1000 + marginMs) as EpochMs
}
