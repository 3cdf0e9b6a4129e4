import type { DocumentFailure } from './issuer/document-failure.ts'
import type { KeyFailure, KeyIgnored } from './keys/key-failure.ts'
import type { RefusalReason } from './refusal.ts'
import type { RevocationFailure } from './revocations/revocation-failure.ts'
import type { SavedStateRefusal } from './saved-state/saved-state.ts'

/** What a guard tells its API's log. Never holds a token, nor any other text that came from an unverified one. */
export type GuardEvent =
  | {
      readonly type: 'request.refused'
      readonly reason: RefusalReason
      /** Names what was wrong, in the guard's own words: a claim, for example. */
      readonly detail?: string
      /** Only once the signature was verified. */
      readonly clientId?: string
      /** Of the caller as it was seen, where it mattered. */
      readonly address?: string
    }
  /** A policy that only reports would have refused this call, for the same reasons as one that is enforced. It passed. */
  | {
      readonly type: 'request.reported'
      readonly reason: RefusalReason
      readonly clientId: string
      readonly address?: string
    }
  | { readonly type: 'keys.loaded'; readonly keyIds: readonly string[]; readonly ignored: readonly KeyIgnored[] }
  | { readonly type: 'keys.failed'; readonly failure: KeyFailure }
  /** The issuer's revocations are followed, for the first time or again. `asOf`: its last contact with its database, in seconds since the epoch. */
  | {
      readonly type: 'revocations.loaded'
      readonly sequence: number
      readonly asOf: number
      readonly entries: number
    }
  /** What was heard is not believed, or nothing was heard. What is known stays in force. */
  | { readonly type: 'revocations.failed'; readonly failure: RevocationFailure }
  /** The endpoint rules of this API are known, for the first time or in a new version. */
  | { readonly type: 'rules.loaded'; readonly version: number; readonly rules: number }
  | { readonly type: 'rules.failed'; readonly failure: DocumentFailure }
  /** A network policy that a token names could not be had. */
  | { readonly type: 'policies.failed'; readonly failure: DocumentFailure }
  /** The guard began with what another process kept, `ageSeconds` ago by its own words. */
  | { readonly type: 'state.restored'; readonly ageSeconds: number; readonly entries: number }
  | { readonly type: 'state.ignored'; readonly reason: SavedStateRefusal }
  /** `detail`: a system error code such as ENOSPC, or the name of the error. */
  | { readonly type: 'state.not_saved'; readonly detail: string }

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
