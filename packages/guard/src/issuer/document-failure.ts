import type { RulesRefusal } from '../resource-server/read-rules.ts'

/** Why a document of the issuer could not be had. */
export type DocumentFailureReason =
  | 'network'
  | 'timeout'
  | 'http_status'
  | 'too_large'
  | 'not_json'
  /** RFC 8414 §3.3: the metadata names another issuer than the one it was asked of. */
  | 'metadata.issuer_mismatch'
  /** The metadata does not say where the document is, or names a place that nothing may be fetched from. */
  | 'metadata.jwks_uri'
  | 'metadata.revocations_uri'
  /** This API's own credential is missing, or its secret could not be read. */
  | 'credential'
  | RulesRefusal
  | 'policy.not_understood'

export interface DocumentFailure {
  readonly url: string
  readonly reason: DocumentFailureReason
  /** Status of the answer, when there was one. */
  readonly status?: number
}
