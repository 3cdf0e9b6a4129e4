import type { KeyObject } from 'node:crypto'
import type { CryptoKey } from 'jose'

/**
 * Verifies ES256 (RFC 7518 §3.4) by one call into OpenSSL, where there is node:crypto: WebCrypto's way by a thread pool and back costs as much again as the
 * verification (`npm run bench -- gate`). Returns the payload; undefined where the signature is wrong. Does not look at header or claims.
 */
export const es256OnNode: ((token: string, key: CryptoKey) => Uint8Array | undefined) | undefined = (() => {
  if (typeof globalThis.process?.getBuiltinModule !== 'function') return undefined
  const { KeyObject: KeyObjects, verify } = process.getBuiltinModule('node:crypto')
  const prepared = new WeakMap<CryptoKey, { readonly key: KeyObject; readonly dsaEncoding: 'ieee-p1363' }>()

  return (token, key) => {
    let known = prepared.get(key)
    if (known === undefined) {
      known = { key: KeyObjects.from(key), dsaEncoding: 'ieee-p1363' }
      prepared.set(key, known)
    }
    const end = token.lastIndexOf('.')
    const signature = Buffer.from(token.slice(end + 1), 'base64url')
    const isGood =
      signature.length === 64 && verify('sha256', Buffer.from(token.slice(0, end), 'latin1'), known, signature)
    return isGood ? Buffer.from(token.slice(token.indexOf('.') + 1, end), 'base64url') : undefined
  }
})()
