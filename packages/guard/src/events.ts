import type { KeyFailure, KeyIgnored } from './keys/key-failure.ts'
import type { RefusalReason } from './refusal.ts'

/** What a guard tells its API's log. Never holds a token, nor any other text that came from an unverified one. */
export type GuardEvent =
  | {
      readonly type: 'request.refused'
      readonly reason: RefusalReason
      /** Names what was wrong, in the guard's own words: a claim, for example. */
      readonly detail?: string
      /** Only once the signature was verified. */
      readonly clientId?: string
    }
  | { readonly type: 'keys.loaded'; readonly keyIds: readonly string[]; readonly ignored: readonly KeyIgnored[] }
  | { readonly type: 'keys.failed'; readonly failure: KeyFailure }

/** Takes events. A listener that throws is ignored: a log that fails must neither open nor close a door. */
export type GuardEventListener = (event: GuardEvent) => void

/** Wraps the API's listener, if there is one, so that calling it is always safe. */
export function safeListener(listener: GuardEventListener | undefined): GuardEventListener {
  if (listener === undefined) return () => {}
  return (event) => {
    try {
      listener(event)
    } catch {
      // See GuardEventListener.
    }
  }
}
