import type { EpochMs } from '@latchkey/protocol'

/** An answer that can be given once more. */
export interface KeptAnswer {
  /** Names the caller and its key without showing either. */
  readonly digest: string
  /** Opens with the caller's key alone. */
  readonly sealed: string
  readonly expiresAt: EpochMs
}

/** What is written of answers, in the transaction of the change that they answer. */
export interface AnswerWrites {
  find(digest: string): Promise<KeptAnswer | undefined>
  insert(answer: KeptAnswer): Promise<void>
  /** Drops answers whose time is over at `now`. */
  removeExpired(now: EpochMs): Promise<void>
}
