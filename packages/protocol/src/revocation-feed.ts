import type { EpochSeconds } from './brand.ts'

/** One ending of access. All of them are minima or names of random ids: the feed is public and lists no customer. */
export type RevocationEntry =
  /** Tokens that name the credential `subject` (its reference) with a generation below `minimum` are dead. */
  | {
      readonly kind: 'credential'
      readonly subject: string
      readonly minimum: number
      readonly expires_at: EpochSeconds
    }
  /** The token with the `jti` `subject` is dead. */
  | { readonly kind: 'jti'; readonly subject: string; readonly expires_at: EpochSeconds }
  /** Every token under the key `subject` (its `kid`) is dead. */
  | { readonly kind: 'kid'; readonly subject: string; readonly expires_at: EpochSeconds }
  /** Every generation below `minimum`, whatever its credential, is dead: after a backup was restored. */
  | { readonly kind: 'floor'; readonly minimum: number; readonly expires_at: EpochSeconds }

/**
 * `GET /oauth2/revocations`: what ended since a cursor. Sent as JSON, and as the data of each server-sent event, whose id is `sequence`.
 * `expires_at` is when the last token that an entry could concern has expired everywhere; a verifier may then forget it.
 */
export interface RevocationFeed {
  readonly issuer: string
  /**
   * Whether `entries` is all that the server keeps: without a cursor, and when the cursor is older than that. Either way they add to what the
   * verifier knows, which it forgets only by `expires_at`: an issuer that lost entries cannot make it forget them.
   */
  readonly snapshot: boolean
  /** Of the newest entry up to here, max(previous + 1, now in ms): the cursor for the next request. Verifiers never move it backwards. */
  readonly sequence: number
  /** Whether more is waiting behind `sequence`: ask again at once. A snapshot goes on in answers whose `snapshot` is false. */
  readonly more: boolean
  /** When the server was last in contact with its database: from this moment staleness counts, not from the answer. */
  readonly as_of: EpochSeconds
  readonly entries: readonly RevocationEntry[]
}

/** Query parameter that carries the cursor; a server-sent event stream takes `Last-Event-ID` too. */
export const revocationCursorParameter = 'after'

/** Name of the server-sent event that carries a {@link RevocationFeed}. */
export const revocationEventName = 'revocations'

/** A stream sends at least this often, in seconds, if only to move `as_of`: a verifier that hears nothing for three times as long asks anew. */
export const revocationHeartbeatSeconds: number = 2
