import type { DataKeys } from './data-keys.ts'
import type { KeyStore } from './ports.ts'
import { openSigningKeys, type SigningKeyRing } from './signing-keys.ts'

/** The ring that this process works with, as new as the last time that it could read the keys. */
export interface LiveKeyRing {
  current(): SigningKeyRing
  /**
   * Reads the keys again. On failure the ring stays as it is: its active key is at worst a retired one, which is still published, or a revoked one,
   * whose tokens verifiers refuse already. Throws Fault `store.unavailable`, `keys.altered`, `keys.missing`.
   */
  reload(): Promise<void>
  /** Reads the keys again if the last reading failed. */
  catchUp(): Promise<void>
}

export function liveKeyRing(first: SigningKeyRing, store: KeyStore, dataKeys: DataKeys): LiveKeyRing {
  let ring = first
  let isBehind = false
  let asked = 0
  let shown = 0

  async function reload(): Promise<void> {
    const turn = ++asked
    isBehind = true
    const next = openSigningKeys(await store.loadSigningKeys(), dataKeys)
    // Of readings under way at once, one that was begun earlier never replaces a later one.
    if (turn < shown) return
    shown = turn
    ring = next
    if (turn === asked) isBehind = false
  }

  return {
    current: () => ring,
    reload,
    catchUp: () => (isBehind ? reload() : Promise.resolve()),
  }
}
