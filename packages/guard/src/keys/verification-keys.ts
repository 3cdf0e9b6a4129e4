import type { CryptoKey } from 'jose'
import type { VerificationAlgorithm } from '../verification-algorithm.ts'

/** A public key of the issuer, ready for use. */
export interface VerificationKey {
  readonly keyId: string
  /** The only algorithm that the key is for: its own `alg` (RFC 8725 §3.1), whatever a token says. */
  readonly algorithm: VerificationAlgorithm
  readonly key: CryptoKey
}

export type FoundKey =
  | { readonly outcome: 'found'; readonly key: VerificationKey }
  /** The issuer answered, and has no such key. */
  | { readonly outcome: 'unknown' }
  /** Nobody can say at the moment. */
  | { readonly outcome: 'unavailable'; readonly retryAfterSeconds: number }

/** Where `verify` gets keys from. */
export interface VerificationKeys {
  /** At once where nobody has to be asked. */
  find(keyId: string): FoundKey | Promise<FoundKey>
  /** Sees to it that keys are there, if the issuer answers. Never rejects for want of it. */
  load(): Promise<void>
}
