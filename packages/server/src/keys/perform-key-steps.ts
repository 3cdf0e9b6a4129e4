import type { EpochMs, SigningAlgorithm } from '@latchkey/protocol'
import type { AdminEvent } from '../audit/events.ts'
import type { RevocationWrites } from '../tokens/ports.ts'
import { generateSigningKeyPair, type KeyPair } from './algorithms.ts'
import type { DataKeys } from './data-keys.ts'
import type { KeyStep, LifecycleRules } from './key-lifecycle.ts'
import type { SigningKeyWrites } from './ports.ts'
import { openSigningKey, sealSigningKey, type SealedSigningKey, type SigningKeyFacts } from './sealed-signing-key.ts'
import { createTokenKey } from './signing-keys.ts'

/** What a change of keys writes. */
export interface KeyTransaction {
  readonly signingKeys: SigningKeyWrites
  readonly revocations: RevocationWrites
}

export interface KeyMaker {
  readonly dataKeys: DataKeys
  /** A pair that was generated before the change began, if it is one of this algorithm; otherwise one made now. */
  pair(algorithm: SigningAlgorithm): Promise<KeyPair>
}

/** What steps came to, kids all of them. */
export interface KeyChanges {
  readonly activated: string | undefined
  readonly retired: string | undefined
  readonly revoked: string | undefined
  readonly created: readonly string[]
  readonly removed: readonly string[]
}

/** A maker with one pair of the algorithm ready, so that no change waits for it while it holds up all others. */
export async function prepareKeyMaker(dataKeys: DataKeys, algorithm: SigningAlgorithm): Promise<KeyMaker> {
  let spare: KeyPair | undefined = await generateSigningKeyPair(algorithm)
  return {
    dataKeys,
    async pair(wanted) {
      const ready = wanted === algorithm ? spare : undefined
      if (ready === undefined) return generateSigningKeyPair(wanted)
      spare = undefined
      return ready
    },
  }
}

/**
 * Performs the steps in order, on the rows that this change has found, and says what each was. Throws Fault `keys.altered` when a row that it
 * moves is not as it was written: a key with a forged state neither signs nor retires.
 */
export async function performKeySteps(
  tx: KeyTransaction,
  found: readonly SealedSigningKey[],
  steps: readonly KeyStep[],
  maker: KeyMaker,
  rules: LifecycleRules,
  now: EpochMs,
): Promise<{ readonly changes: KeyChanges; readonly events: readonly AdminEvent[] }> {
  const { signingKeys } = tx
  const rows = new Map(found.map((row) => [row.kid, row]))
  const events: AdminEvent[] = []
  const changes = {
    activated: undefined as string | undefined,
    retired: undefined as string | undefined,
    revoked: undefined as string | undefined,
    created: [] as string[],
    removed: [] as string[],
  }

  function get(kid: string): SealedSigningKey {
    const row = rows.get(kid)
    if (row === undefined) throw new Error(`no signing key ${kid}`)
    return row
  }

  function note(name: AdminEvent['name'], { kid, algorithm }: SigningKeyFacts, details: object = {}): void {
    events.push({ name, subject: kid, details: { algorithm, ...details } })
  }

  async function move(row: SealedSigningKey, to: Partial<SigningKeyFacts>): Promise<void> {
    const moved = transition(row, to, maker.dataKeys)
    rows.set(row.kid, moved)
    await signingKeys.update(moved)
  }

  async function create(algorithm: SigningAlgorithm, state: 'active' | 'standby'): Promise<SealedSigningKey> {
    const row = await createTokenKey(algorithm, await maker.pair(algorithm), state, maker.dataKeys, now)
    rows.set(row.kid, row)
    await signingKeys.insert(row)
    changes.created.push(row.kid)
    note('key.created', row, { state })
    return row
  }

  async function retireActive(): Promise<void> {
    const active = [...rows.values()].find((row) => row.purpose === 'token' && row.state === 'active')
    if (active === undefined) return
    await move(active, { state: 'retired', retiredAt: now })
    changes.retired = active.kid
    note('key.retired', active)
  }

  async function createActive(algorithm: SigningAlgorithm): Promise<void> {
    await retireActive()
    const row = await create(algorithm, 'active')
    changes.activated = row.kid
    note('key.activated', row, { published_seconds: 0 })
  }

  async function activate(row: SealedSigningKey): Promise<void> {
    await retireActive()
    await move(row, { state: 'active', activatedAt: now })
    changes.activated = row.kid
    note('key.activated', row, { published_seconds: Math.floor((now - row.createdAt) / 1000) })
  }

  async function revoke(row: SealedSigningKey): Promise<void> {
    await move(row, { state: 'revoked', revokedAt: now })
    const expiresAt = (now + rules.keptMs) as EpochMs
    await tx.revocations.append({ kind: 'kid', subject: row.kid, minimum: 0, expiresAt }, now)
    changes.revoked = row.kid
    note('key.revoked', row, { was: row.state })
  }

  async function remove(row: SealedSigningKey): Promise<void> {
    rows.delete(row.kid)
    await signingKeys.remove(row.kid)
    changes.removed.push(row.kid)
    note('key.removed', row, { was: row.state })
  }

  for (const step of steps) {
    if (step.kind === 'create') await create(step.algorithm, 'standby')
    else if (step.kind === 'create-active') await createActive(step.algorithm)
    else if (step.kind === 'activate') await activate(get(step.kid))
    else if (step.kind === 'revoke') await revoke(get(step.kid))
    else await remove(get(step.kid))
  }
  return { changes, events }
}

/** The row in its new state; a key that does not sign any more loses its private half. */
function transition(row: SealedSigningKey, to: Partial<SigningKeyFacts>, dataKeys: DataKeys): SealedSigningKey {
  const { publicKey, privateKey } = openSigningKey(row, dataKeys)
  const { kid, purpose, algorithm, state, createdAt, activatedAt, retiredAt, revokedAt } = row
  const facts = { kid, purpose, algorithm, state, createdAt, activatedAt, retiredAt, revokedAt, ...to }
  const signs = facts.state === 'active' || facts.state === 'standby'
  return sealSigningKey(
    facts,
    JSON.stringify(publicKey.export({ format: 'jwk' })),
    signs ? privateKey : undefined,
    dataKeys,
  )
}
