import type { VerificationKey } from './keys/verification-keys.ts'
import type { TokenFacts } from './token-claims.ts'

/** A token whose signature was verified. */
export interface RememberedToken {
  /** The very key: after the issuer's keys were loaded anew, nothing that was verified by the old ones counts. */
  readonly key: VerificationKey
  /** What the signature vouches for, read. Not to be handed out: see `accessOf`. */
  readonly facts: TokenFacts
}

/**
 * Tokens whose signature was verified, by their SHA-256, with what they say: a program sends one token many times, and its signature is the dearest part of
 * judging it. Nothing that can change is remembered: key, time, revocation, certificate, address and scopes are judged for every call. Bounded: two halves, of which
 * the older is dropped when the younger is full. Holds no token. Where there is no node:crypto nothing is remembered.
 */
export class RememberedTokens {
  readonly #most: number
  #young = new Map<string, RememberedToken>()
  #old = new Map<string, RememberedToken>()

  /** `most`: how many are remembered, at about two kilobytes each; 0: none. */
  constructor(most: number) {
    this.#most = sha256 === undefined ? 0 : most
  }

  /** Undefined: nothing is remembered. */
  digestOf(token: string): string | undefined {
    return this.#most === 0 ? undefined : sha256?.(token)
  }

  find(digest: string | undefined): RememberedToken | undefined {
    if (digest === undefined) return undefined
    const young = this.#young.get(digest)
    if (young !== undefined) return young
    const old = this.#old.get(digest)
    if (old !== undefined) this.keep(digest, old)
    return old
  }

  /** To be called for a token whose signature was verified with this key, and for nothing else. */
  keep(digest: string | undefined, token: RememberedToken): void {
    if (digest === undefined) return
    if (this.#young.size >= this.#most / 2) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(digest, token)
  }
}

/** One call into OpenSSL; WebCrypto's digest would cost as much as it saves. */
const sha256: ((text: string) => string) | undefined = (() => {
  if (typeof globalThis.process?.getBuiltinModule !== 'function') return undefined
  const { hash } = process.getBuiltinModule('node:crypto')
  return (text) => hash('sha256', text, 'base64url')
})()
