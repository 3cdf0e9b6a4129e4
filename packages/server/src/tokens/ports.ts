import type { EpochMs } from '@latchkey/protocol'
import type { ClientId, ClientState } from '../clients/client.ts'

/**
 * `credential`: generations of this one below `minimum` are dead. `jti`: this token is dead. `kid`: every token under this key is dead.
 * `floor`: generations of every credential below `minimum` are dead; its subject is empty.
 */
export type RevocationKind = 'credential' | 'jti' | 'kid' | 'floor'

export interface Revocation {
  readonly kind: RevocationKind
  readonly subject: string
  /** For `credential` and `floor`; 0 otherwise. */
  readonly minimum: number
  /** When the last token that it could concern has expired. */
  readonly expiresAt: EpochMs
}

export interface RevocationWrites {
  /** Appends an entry under the next sequence: max(previous + 1, now). */
  append(revocation: Revocation, now: EpochMs): Promise<void>
}

/** Revocations that clients make by themselves. */
export interface OwnRevocationWrites {
  /** The same, and remembers whose doing it is. */
  appendOwn(revocation: Revocation, clientId: ClientId, now: EpochMs): Promise<void>
  /** How many entries that have not expired are this client's own doing. */
  countOwn(clientId: ClientId, now: EpochMs): Promise<number>
}

/** What introspection asks of the store about a token whose signature it has checked. */
export interface TokenStatusQuery {
  readonly jti: string
  readonly kid: string
  readonly clientId: string
  readonly references: readonly string[]
}

export interface TokenStatus {
  /** Whether `jti` or `kid` has been revoked. */
  readonly revoked: boolean
  /** Undefined when there is no such client any more. */
  readonly clientState: ClientState | undefined
  /** Current generation by reference; a credential that is gone is absent. */
  readonly generations: ReadonlyMap<string, number>
}

export interface TokenStatusReads {
  status(query: TokenStatusQuery): Promise<TokenStatus>
  /** Drops revocations that outlived every token they could concern. */
  removeExpired(now: EpochMs): Promise<void>
}

/** A revocation with its place in the feed. */
export interface SequencedRevocation extends Revocation {
  readonly sequence: number
}

/** What the revocation feed is filled from. */
export interface RevocationReads {
  /**
   * Entries above `sequence`, ascending, `limit` at most; and the newest sequence that was ever handed out, entries removed since included.
   * Both of one moment.
   */
  after(
    sequence: number,
    limit: number,
  ): Promise<{ readonly entries: readonly SequencedRevocation[]; readonly latest: number }>
}
