import type { DocumentFailureReason } from '../issuer/document-failure.ts'

/** Why the issuer's keys could not be loaded, for the API's log. */
export interface KeyFailure {
  readonly url: string
  readonly reason: KeyFailureReason
  /** Status of the answer, when there was one. */
  readonly status?: number
}

export type KeyFailureReason = DocumentFailureReason | 'jwks.not_a_key_set' | 'jwks.no_usable_key'

/** A key in the issuer's set that is not used, and why. The rest of the set is. */
export interface KeyIgnored {
  /** Position in the set, from 0. */
  readonly index: number
  readonly reason:
    | 'not_an_object'
    | 'no_key_id'
    | 'repeated_key_id'
    | 'algorithm_not_accepted'
    | 'private_or_symmetric'
    | 'not_for_signatures'
    | 'not_importable'
}
