import type { VerificationKey } from './keys/verification-keys.ts'

type Payload = Readonly<Record<string, unknown>>

interface Verified {
  /** The very key: after the issuer's keys were loaded anew, nothing that was verified by the old ones counts. */
  readonly key: VerificationKey
  readonly payload: Payload
}

/**
 * Tokens whose signature was verified, by their SHA-256, with the payload that it vouches for: a program sends one token many times, and its signature is the
 * dearest part of judging it. Nothing else is remembered; time, revocation, certificate, address and scopes are judged for every call. Bounded: two halves, of which
 * the older is dropped when the younger is full. Holds no token. Where there is no node:crypto nothing is remembered.
 */
export class VerifiedSignatures {
  readonly #most: number
  #young = new Map<string, Verified>()
  #old = new Map<string, Verified>()

  /** `most`: how many are remembered, at about two kilobytes each; 0: none. */
  constructor(most: number) {
    this.#most = sha256 === undefined ? 0 : most
  }

  /** Undefined: nothing is remembered. */
  digestOf(token: string): string | undefined {
    return this.#most === 0 ? undefined : sha256?.(token)
  }

  find(digest: string | undefined, key: VerificationKey): Payload | undefined {
    if (digest === undefined) return undefined
    const young = this.#young.get(digest)
    const found = young ?? this.#old.get(digest)
    if (found === undefined || found.key !== key) return undefined
    if (young === undefined) this.#put(digest, found)
    return found.payload
  }

  /** To be called for a signature that was verified with this key, and for nothing else. */
  keep(digest: string | undefined, key: VerificationKey, payload: Payload): void {
    if (digest !== undefined) this.#put(digest, { key, payload })
  }

  #put(digest: string, verified: Verified): void {
    if (this.#young.size >= this.#most / 2) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(digest, verified)
  }
}

/** One call into OpenSSL; WebCrypto's digest would cost as much as it saves. */
const sha256: ((text: string) => string) | undefined = (() => {
  if (typeof globalThis.process?.getBuiltinModule !== 'function') return undefined
  const { hash } = process.getBuiltinModule('node:crypto')
  return (text) => hash('sha256', text, 'base64url')
})()
