import type { DocumentFailureReason } from '../issuer/document-failure.ts'

/** Why the issuer's revocations could not be followed, for the API's log. */
export interface RevocationFailure {
  readonly url: string
  readonly reason: RevocationFailureReason
  /** Status of the answer, when there was one. */
  readonly status?: number
}

export type RevocationFailureReason = DocumentFailureReason | FeedRefusal | StreamFailure

/** Why a document was not believed. It changes nothing, and it is no contact. */
export type FeedRefusal =
  | 'feed.malformed'
  | 'feed.issuer_mismatch'
  /** The answer ends before the cursor that was asked for: the issuer forgot, or somebody plays an old answer. */
  | 'feed.sequence_backwards'
  /** An answer without a cursor must be everything there is. */
  | 'feed.not_a_snapshot'
  /** `more` is promised, and nothing came: asking on would never end. */
  | 'feed.no_progress'
  /** The issuer claims a contact that has not been yet, by more than the clocks may be apart. */
  | 'feed.as_of_in_future'
  /** More than this guard was told to keep (`revocations.maxEntries`). It answers 503 until enough of them are over. */
  | 'feed.too_many_entries'

/** Why the stream is not read any more; documents are asked for every second meanwhile. */
export type StreamFailure =
  | 'stream.not_an_event_stream'
  | 'stream.ended'
  /** Nothing came for three heartbeats: the line is dead, or a proxy keeps events back. */
  | 'stream.silent'
  | 'stream.event_too_large'
