import {
  accessTokenType,
  credentialsClaim,
  networkClaim,
  type AccessTokenClaims,
  type EpochSeconds,
} from '@latchkey/protocol'
import type { Random } from '../kernel/random.ts'
import { createSigner } from '../keys/signer.ts'
import type { SigningKeyRing } from '../keys/signing-keys.ts'
import type { Grant } from '../policy/token-decision.ts'

export interface IssuedToken {
  readonly accessToken: string
  readonly jti: string
  readonly kid: string
  readonly expiresAt: EpochSeconds
}

export interface TokenIssuer {
  /** Signs the token that a grant allows (RFC 9068 §2). The caller records it before handing it out. */
  issue(grant: Grant): IssuedToken
}

/** Bytes of randomness in a `jti`. */
const tokenIdBytes = 16

export function createTokenIssuer(issuer: string, keys: () => SigningKeyRing, random: Random): TokenIssuer {
  let signer = createSigner(keys().active, accessTokenType)
  return {
    issue(grant) {
      const { active } = keys()
      if (active.kid !== signer.kid) signer = createSigner(active, accessTokenType)
      const { client, credentials, boundTo, scopes, network, issuedAt, expiresAt } = grant
      const jti = Buffer.from(random.bytes(tokenIdBytes)).toString('base64url')
      const claims: AccessTokenClaims = {
        iss: issuer,
        sub: client.clientId,
        client_id: client.clientId,
        aud: scopes.audience,
        iat: issuedAt,
        exp: expiresAt,
        jti,
        scope: scopes.text,
        [credentialsClaim]: Object.fromEntries(
          credentials.map((credential) => [credential.reference, credential.generation]),
        ),
        [networkClaim]: network,
        ...(boundTo === undefined ? {} : { cnf: { 'x5t#S256': boundTo } }),
      }
      return { accessToken: signer.sign(JSON.stringify(claims)), jti, kid: signer.kid, expiresAt }
    },
  }
}
