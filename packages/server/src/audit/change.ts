import type { EpochMs } from '@latchkey/protocol'
import type { Result } from '../kernel/result.ts'
import type { AdminEvent } from './events.ts'

/** Who asked for a change, and when. */
export interface ChangeContext {
  /** `local-socket`, or the client_id of an administrator's token. */
  readonly actor: string
  readonly requestId: string
  readonly now: EpochMs
}

/** What a change came to: done, with the event that says so, or refused with nothing changed. */
export type ChangeOutcome<T, R> =
  | {
      readonly ok: true
      readonly value: T
      readonly event: AdminEvent
      /** What a larger change is made of: each gets a row of its own, before that of `event`. */
      readonly parts?: readonly AdminEvent[]
    }
  | { readonly ok: false; readonly refusal: R }

/**
 * Runs `work` and appends its audit row, or rows, in one transaction. The type leaves no way to change anything without an event; a refusal or an
 * exception rolls everything back. Throws Fault `store.unavailable`.
 */
export type Change<Tx> = <T, R>(
  context: ChangeContext,
  work: (tx: Tx) => Promise<ChangeOutcome<T, R>>,
) => Promise<Result<T, R>>
