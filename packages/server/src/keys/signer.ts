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
  return {
    kid: key.kid,
    sign(payload) {
      const input = `${header}.${Buffer.from(payload).toString('base64url')}`
      // A bare KeyObject: with an options object, for `dsaEncoding`, node:crypto signs a quarter slower (39,000 a second against 30,500).
      const signature = derToConcatenated(sign('sha256', Buffer.from(input, 'latin1'), key.privateKey))
      return `${input}.${signature.toString('base64url')}`
    },
  }
}

/** Bytes of each half of a P-256 signature. */
const half = 32

/**
 * Turns an ECDSA signature from DER (RFC 3279 §2.2.3: SEQUENCE of two INTEGERs) into R || S, as JWS wants it (RFC 7518 §3.4). DER integers have no
 * leading zeros but the one that keeps them positive; R and S have exactly 32 bytes each.
 */
function derToConcatenated(der: Buffer): Buffer {
  const out = Buffer.alloc(2 * half)
  // 30 <length> 02 <length> R 02 <length> S; a P-256 signature is under 128 bytes, so every length is one byte.
  const rLength = der[3] ?? 0
  const sLength = der[5 + rLength] ?? 0
  copyInteger(der, 4, rLength, out, half)
  copyInteger(der, 6 + rLength, sLength, out, 2 * half)
  return out
}

function copyInteger(der: Buffer, start: number, length: number, out: Buffer, end: number): void {
  const skip = length > half ? length - half : 0
  der.copy(out, end - (length - skip), start + skip, start + length)
}
