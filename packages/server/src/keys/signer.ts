import { sign } from 'node:crypto'
import type { SigningKey } from './signing-keys.ts'

/** Signs JWS payloads with one key. */
export interface Signer {
  readonly kid: string
  /** A compact JWS (RFC 7515 §7.1) over the payload, which is UTF-8 JSON. */
  sign(payload: string): string
}

/** Prepares everything that does not change from token to token: the encoded header and the key. */
export function createSigner(key: SigningKey, type: string): Signer {
  const header = Buffer.from(JSON.stringify({ alg: key.algorithm, typ: type, kid: key.kid })).toString('base64url')
  // JWS wants R || S (RFC 7518 §3.4), not DER.
  const options = { key: key.privateKey, dsaEncoding: 'ieee-p1363' } as const
  return {
    kid: key.kid,
    sign(payload) {
      const input = `${header}.${Buffer.from(payload).toString('base64url')}`
      return `${input}.${sign('sha256', Buffer.from(input, 'latin1'), options).toString('base64url')}`
    },
  }
}
