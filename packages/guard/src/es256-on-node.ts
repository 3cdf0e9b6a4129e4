import type { CryptoKey } from 'jose'
import { inBatches } from './in-batches.ts'

/** The payload of a token with a good signature; undefined: it is wrong. */
type VerifyToken = (token: string) => Promise<Uint8Array | undefined>

/** Keeps others waiting for less than a millisecond. */
const mostAtOnce = 8

/** As it is when this is loaded: tests of an API put timers of their own in its place, which fire when they please. */
const setImmediate = globalThis.process?.getBuiltinModule?.('node:timers')?.setImmediate

const prepared = new WeakMap<CryptoKey, VerifyToken | 'unable'>()

/**
 * Verifies ES256 (RFC 7518 §3.4) by one call into OpenSSL, where there is node:crypto: WebCrypto's way by a thread pool and back costs as much again as the
 * verification. Signatures of one turn of the event loop are verified in a row: between them, everything else took twice as long. Both by `npm run bench -- gate`.
 * Undefined where a runtime cannot do that with this key. Does not look at header or claims.
 */
export function es256OnNode(key: CryptoKey): VerifyToken | undefined {
  let found = prepared.get(key)
  if (found === undefined) {
    found = prepare(key) ?? 'unable'
    prepared.set(key, found)
  }
  return found === 'unable' ? undefined : found
}

function prepare(key: CryptoKey): VerifyToken | undefined {
  if (setImmediate === undefined) return undefined
  try {
    const { KeyObject, verify } = process.getBuiltinModule('node:crypto')
    const { Buffer } = process.getBuiltinModule('node:buffer')
    const verifying = { key: KeyObject.from(key), dsaEncoding: 'ieee-p1363' } as const
    const verifyToken = (token: string): Uint8Array | undefined => {
      const end = token.lastIndexOf('.')
      const signature = Buffer.from(token.slice(end + 1), 'base64url')
      const signed = Buffer.from(token.slice(0, end), 'latin1')
      const isGood = signature.length === 64 && verify('sha256', signed, verifying, signature)
      return isGood ? Buffer.from(token.slice(token.indexOf('.') + 1, end), 'base64url') : undefined
    }
    return inBatches(verifyToken, mostAtOnce, setImmediate)
  } catch {
    // Runtimes that have some of node:crypto.
    return undefined
  }
}
