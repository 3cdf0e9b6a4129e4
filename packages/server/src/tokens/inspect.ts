import { credentialsClaim } from '@latchkey/protocol'
import type { Clock } from '../kernel/clock.ts'
import { done, refused, type Result } from '../kernel/result.ts'
import type { SigningKeyRing } from '../keys/signing-keys.ts'
import type { TokenStatusReads } from './ports.ts'
import { readToken, type ReadToken, type UnreadableToken } from './read-token.ts'

/** Why a token is not in force: what `introspect` keeps to itself and `latchkey token inspect` tells. */
export const inactiveTokens = {
  'token.malformed': 'It is not a signed JWT.',
  'token.unknown_key': 'It names a key that this server does not have, or has revoked.',
  'token.signature': 'Its signature is wrong.',
  'token.claims': 'Its type, issuer or claims are not those of an access token of this server.',
  'token.expired': 'It has expired.',
  'token.revoked': 'It, or its signing key, has been revoked.',
  'token.client_gone': 'Its client has been deleted.',
  'token.client_disabled': 'Its client is disabled.',
  'token.credential_ended':
    'A credential that took part has been revoked, or the client’s access was made smaller since.',
} as const
export type InactiveReason = keyof typeof inactiveTokens

export interface TokenInspector {
  /** Signature and expiry first, then the store. Throws Fault `store.unavailable`. */
  inspect(token: string): Promise<Result<ReadToken, InactiveReason>>
  /** Signature and expiry alone. */
  read(token: string): Promise<Result<ReadToken, UnreadableToken>>
}

export function createTokenInspector(
  issuer: string,
  keys: () => SigningKeyRing,
  store: TokenStatusReads,
  clock: Clock,
): TokenInspector {
  return {
    read: (token) => readToken(token, issuer, keys(), clock.now()),
    async inspect(token) {
      const read = await readToken(token, issuer, keys(), clock.now())
      if (!read.ok) return read
      const { kid, claims } = read.value
      const named = Object.entries(claims[credentialsClaim])
      const status = await store.status({
        jti: claims.jti,
        kid,
        clientId: claims.client_id,
        references: named.map(([reference]) => reference),
      })
      if (status.revoked) return refused('token.revoked')
      if (status.clientState === undefined) return refused('token.client_gone')
      if (status.clientState !== 'enabled') return refused('token.client_disabled')
      // A reference that the store does not know is a credential that is gone: Infinity is above every generation.
      const ended = named.some(
        ([reference, generation]) => (status.generations.get(reference) ?? Infinity) > generation,
      )
      if (ended || named.length === 0) return refused('token.credential_ended')
      return done(read.value)
    },
  }
}
