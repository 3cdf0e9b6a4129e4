import { jwsSigner } from './algorithms.ts'
import type { TokenSigningKey } from './signing-keys.ts'

/** Signs JWS payloads with one key. */
export interface Signer {
  readonly kid: string
  /** A compact JWS (RFC 7515 §7.1) over the payload, which is UTF-8 JSON. */
  sign(payload: string): string
}

/** Prepares everything that does not change from token to token: the encoded header and the key. */
export function createSigner(key: Pick<TokenSigningKey, 'kid' | 'algorithm' | 'privateKey'>, type: string): Signer {
  const header = Buffer.from(JSON.stringify({ alg: key.algorithm, typ: type, kid: key.kid })).toString('base64url')
  const signInput = jwsSigner(key.algorithm, key.privateKey)
  return {
    kid: key.kid,
    sign(payload) {
      const input = `${header}.${Buffer.from(payload).toString('base64url')}`
      return `${input}.${signInput(Buffer.from(input, 'latin1')).toString('base64url')}`
    },
  }
}
