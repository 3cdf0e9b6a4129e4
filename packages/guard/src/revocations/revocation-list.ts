import type { CredentialGenerations, EpochSeconds, RevocationEntry } from '@latchkey/protocol'

/** Which entry ended a token, for the API's log. */
export type Ending = 'credential' | 'floor' | 'jti' | 'kid'

/** What of a token can be revoked, beside its key. */
export interface RevocableToken {
  readonly jti: string
  readonly credentials: CredentialGenerations
}

/** Until when something is remembered, and below which generation tokens are dead. */
interface Minimum {
  readonly minimum: number
  readonly expiresAt: number
}

/**
 * All that ended and could still matter. Only ever grows stricter, but for what is {@link RevocationList.forget | forgotten}: entries may come twice, late
 * and in any order. About 150 bytes an entry.
 */
export class RevocationList {
  readonly #credentials = new Map<string, Minimum>()
  readonly #tokens = new Map<string, number>()
  readonly #keys = new Map<string, number>()
  #floor: Minimum | undefined

  get size(): number {
    return this.#credentials.size + this.#tokens.size + this.#keys.size
  }

  add(entry: RevocationEntry): void {
    const { kind, expires_at: expiresAt } = entry
    switch (kind) {
      case 'credential':
        this.#credentials.set(entry.subject, stricter(this.#credentials.get(entry.subject), entry.minimum, expiresAt))
        return
      case 'jti':
        this.#tokens.set(entry.subject, Math.max(expiresAt, this.#tokens.get(entry.subject) ?? 0))
        return
      case 'kid':
        this.#keys.set(entry.subject, Math.max(expiresAt, this.#keys.get(entry.subject) ?? 0))
        return
      case 'floor':
        this.#floor = stricter(this.#floor, entry.minimum, expiresAt)
    }
  }

  /** Drops what was over at `seconds` since the epoch. */
  forget(seconds: number): void {
    for (const [reference, { expiresAt }] of this.#credentials) {
      if (expiresAt <= seconds) this.#credentials.delete(reference)
    }
    for (const names of [this.#tokens, this.#keys]) {
      for (const [name, expiresAt] of names) if (expiresAt <= seconds) names.delete(name)
    }
    if (this.#floor !== undefined && this.#floor.expiresAt <= seconds) this.#floor = undefined
  }

  hasKey(keyId: string): boolean {
    return this.#keys.has(keyId)
  }

  /** What ended a token; `undefined` for one that is alive. A generation that is above the minimum is newer than what is known: it lives. */
  endingOf({ jti, credentials }: RevocableToken): Ending | undefined {
    if (this.#tokens.has(jti)) return 'jti'
    const floor = this.#floor?.minimum ?? 0
    for (const [reference, generation] of Object.entries(credentials)) {
      if (generation < floor) return 'floor'
      if (generation < (this.#credentials.get(reference)?.minimum ?? 0)) return 'credential'
    }
    return undefined
  }

  /** Everything, as a snapshot would name it. */
  entries(): RevocationEntry[] {
    const entries: RevocationEntry[] = []
    for (const [subject, { minimum, expiresAt }] of this.#credentials) {
      entries.push({ kind: 'credential', subject, minimum, expires_at: expiresAt as EpochSeconds })
    }
    for (const [subject, expiresAt] of this.#tokens) {
      entries.push({ kind: 'jti', subject, expires_at: expiresAt as EpochSeconds })
    }
    for (const [subject, expiresAt] of this.#keys) {
      entries.push({ kind: 'kid', subject, expires_at: expiresAt as EpochSeconds })
    }
    if (this.#floor !== undefined) {
      const { minimum, expiresAt } = this.#floor
      entries.push({ kind: 'floor', minimum, expires_at: expiresAt as EpochSeconds })
    }
    return entries
  }
}

/** Of two minima for the same thing the higher one holds, for as long as either would. */
function stricter(known: Minimum | undefined, minimum: number, expiresAt: number): Minimum {
  return {
    minimum: Math.max(minimum, known?.minimum ?? 0),
    expiresAt: Math.max(expiresAt, known?.expiresAt ?? 0),
  }
}
