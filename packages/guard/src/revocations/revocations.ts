import type { Contact } from './known-revocations.ts'
import type { Ending, RevocableToken } from './revocation-list.ts'

/** Where `verify` learns what ended before its time. */
export interface Revocations {
  /** How far the answers below can be relied on. Waits for the issuer only where they cannot, and never long. */
  contact(): Contact | Promise<Contact>
  /** Whether every token under this key is dead. */
  hasKey(keyId: string): boolean
  /** What ended a token; `undefined` for one that is alive. */
  endingOf(token: RevocableToken): Ending | undefined
}
