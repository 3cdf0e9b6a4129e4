import { decodeProtectedHeader, errors, jwtVerify } from 'jose'
import { accessTokenType, credentialsClaim, type AccessTokenClaims, type EpochMs } from '@latchkey/protocol'
import { done, refused, type Result } from '../kernel/result.ts'
import type { SigningKeyRing } from '../keys/signing-keys.ts'

/** Why a string is not one of our tokens in force, as far as signature and claims tell. */
export type UnreadableToken =
  | 'token.malformed'
  | 'token.unknown_key'
  | 'token.signature'
  | 'token.claims'
  | 'token.expired'

export interface ReadToken {
  readonly kid: string
  readonly claims: AccessTokenClaims
}

/**
 * Checks a token's signature, type, issuer and expiry. Does not check revocation or the client's state: see `inspect`.
 * There is no leeway: we are the issuer, and the clock is ours.
 */
export async function readToken(
  token: string,
  issuer: string,
  keys: SigningKeyRing,
  now: EpochMs,
): Promise<Result<ReadToken, UnreadableToken>> {
  let kid: string | undefined
  try {
    ;({ kid } = decodeProtectedHeader(token))
  } catch {
    return refused('token.malformed')
  }
  const key = keys.accepted.get(kid ?? '')
  if (key === undefined) return refused('token.unknown_key')
  try {
    const { payload } = await jwtVerify(token, key.publicKey, {
      algorithms: [key.algorithm],
      typ: accessTokenType,
      issuer,
      currentDate: new Date(now),
      requiredClaims: ['sub', 'client_id', 'aud', 'exp', 'iat', 'jti', 'scope', credentialsClaim],
    })
    return done({ kid: key.kid, claims: payload as unknown as AccessTokenClaims })
  } catch (error) {
    if (error instanceof errors.JWTExpired) return refused('token.expired')
    if (error instanceof errors.JWTClaimValidationFailed) return refused('token.claims')
    if (error instanceof errors.JWSSignatureVerificationFailed) return refused('token.signature')
    if (error instanceof errors.JOSEError) return refused('token.malformed')
    throw error
  }
}
