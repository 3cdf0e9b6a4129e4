/**
 * Signature algorithms that a guard can be told to accept (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2, RFC 9964 §5.1). All are asymmetric: with an HMAC, whoever
 * verifies could also issue, and a public key could be passed off as the shared one. `none` is no signature.
 */
export const verificationAlgorithms = [
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'RS256',
  'EdDSA',
  'Ed25519',
  'ML-DSA-65',
] as const

export type VerificationAlgorithm = (typeof verificationAlgorithms)[number]

export function isVerificationAlgorithm(value: unknown): value is VerificationAlgorithm {
  return verificationAlgorithms.some((algorithm) => algorithm === value)
}
