import type { SigningAlgorithm } from '@latchkey/protocol'
import type { Change, ChangeContext } from '../audit/change.ts'
import type { AdminEvent } from '../audit/events.ts'
import { refuseChange, type ChangeRefusal } from '../kernel/refusal.ts'
import { done, refused, type Result } from '../kernel/result.ts'
import type { DataKeys } from './data-keys.ts'
import {
  dueSteps,
  isPublished,
  revocationSteps,
  rotationSteps,
  type KeyAge,
  type KeyStep,
  type LifecycleRules,
} from './key-lifecycle.ts'
import { performKeySteps, prepareKeyMaker, type KeyChanges, type KeyTransaction } from './perform-key-steps.ts'
import { openSigningKey, type SealedSigningKey } from './sealed-signing-key.ts'

/** What the keys are changed with. */
export interface KeyManagement {
  readonly change: Change<KeyTransaction>
  readonly dataKeys: DataKeys
  readonly rules: LifecycleRules
}

/** What a change of keys came to. */
export interface KeyOutcome extends KeyChanges {
  /** The key that signs now has been published for so short a time that some verifiers may not know it yet. */
  readonly isHasty: boolean
}

/**
 * Does what the schedule says is due. What is due is judged again on the rows of the change, so that of several servers that see the same exactly one
 * acts: the others are refused with `nothing_due`. Throws Fault `store.unavailable`, `keys.altered`.
 */
export function keepSchedule(keys: KeyManagement, context: ChangeContext): Promise<Result<KeyOutcome, 'nothing_due'>> {
  return changeKeys(keys, context, (rows) => {
    const steps = dueSteps(rows, context.now, keys.rules)
    return steps.length === 0 ? refused('nothing_due' as const) : done({ steps })
  })
}

/** Lets the standby sign now, and makes a new one. Throws Fault `store.unavailable`, `keys.altered`. */
export function rotateKeys(keys: KeyManagement, context: ChangeContext): Promise<Result<KeyOutcome, never>> {
  return changeKeys(keys, context, (rows) => done({ steps: rotationSteps(rows, context.now, keys.rules) }))
}

/**
 * Revokes a token key: every verifier refuses what it signed, its private half is destroyed, and if it was the one that signs, another takes over in
 * the same transaction. Repeating it changes nothing further. Refuses with `key.unknown`. Throws Fault `store.unavailable`, `keys.altered`.
 */
export function revokeKey(
  keys: KeyManagement,
  context: ChangeContext,
  kid: string,
): Promise<Result<KeyOutcome, ChangeRefusal>> {
  return changeKeys(keys, context, (rows) => {
    const key = rows.find((row) => row.kid === kid)
    if (key === undefined) return refuseChange('key.unknown', `there is no signing key ${kid}`, 'kid')
    const steps = key.state === 'revoked' ? [] : revocationSteps(rows, kid, context.now, keys.rules)
    return done({ steps, event: { name: 'key.revoked', subject: kid, details: { repeated: true } } })
  })
}

interface Decision {
  readonly steps: readonly KeyStep[]
  /** What is recorded when there is no step to take. */
  readonly event?: AdminEvent
}

async function changeKeys<R>(
  { change, dataKeys, rules }: KeyManagement,
  context: ChangeContext,
  decide: (rows: readonly (SealedSigningKey & KeyAge)[]) => Result<Decision, R>,
): Promise<Result<KeyOutcome, R>> {
  const maker = await prepareKeyMaker(dataKeys, rules.algorithm)
  const { now } = context
  return change<KeyOutcome, R>(context, async (tx) => {
    const rows = (await tx.signingKeys.all()).filter(isTokenKey)
    // Nothing is decided on states that somebody else may have written.
    for (const row of rows) openSigningKey(row, dataKeys)
    const decision = decide(rows)
    if (!decision.ok) return decision
    const { steps } = decision.value
    const { changes, events } = await performKeySteps(tx, rows, steps, maker, rules, now)
    const standby = rows.find((row) => row.kid === changes.activated)
    const isHasty = changes.activated !== undefined && (standby === undefined || !isPublished(standby, now, rules))
    const event = events.at(-1) ?? decision.value.event
    if (event === undefined) throw new Error('a change of keys that nothing is recorded of')
    return { ...done({ ...changes, isHasty }), event, parts: events.slice(0, -1) }
  })
}

function isTokenKey(row: SealedSigningKey): row is SealedSigningKey & { readonly algorithm: SigningAlgorithm } {
  return row.purpose === 'token' && row.algorithm !== 'Ed25519'
}
