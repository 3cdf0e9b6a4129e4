import type { EpochSeconds, RevocationEntry, RevocationFeed } from '@latchkey/protocol'
import type { FeedRefusal } from './revocation-failure.ts'

export type ReadFeed =
  | { readonly ok: true; readonly feed: RevocationFeed }
  | { readonly ok: false; readonly reason: FeedRefusal }

type Members = Readonly<Record<string, unknown>>

/** Longest name in a feed, in UTF-16 units: references, `jti` and `kid` are far shorter. */
const maxSubjectLength = 255

/**
 * Reads a document of the feed. One entry that is not understood refuses all of it: it would be a revocation that does not happen here, and going stale
 * says so aloud. Members that are not known are ignored. Does not compare with what is known already.
 */
export function readFeed(document: unknown, issuer: string): ReadFeed {
  if (!isRecord(document)) return malformed
  if (document['issuer'] !== issuer) return { ok: false, reason: 'feed.issuer_mismatch' }
  const { snapshot, sequence, more, as_of: asOf } = document
  const wellFormed = typeof snapshot === 'boolean' && typeof more === 'boolean' && isCount(sequence) && isCount(asOf)
  const members: unknown = document['entries']
  if (!wellFormed || !Array.isArray(members)) return malformed
  const entries: RevocationEntry[] = []
  for (const member of members as unknown[]) {
    const entry = readEntry(member)
    if (entry === undefined) return malformed
    entries.push(entry)
  }
  return { ok: true, feed: { issuer, snapshot, sequence, more, as_of: asOf as EpochSeconds, entries } }
}

const malformed = { ok: false, reason: 'feed.malformed' } as const

function readEntry(member: unknown): RevocationEntry | undefined {
  if (!isRecord(member)) return undefined
  const { kind, subject, minimum, expires_at: expiresAt } = member
  if (!isCount(expiresAt)) return undefined
  const end = { expires_at: expiresAt as EpochSeconds }
  switch (kind) {
    case 'credential':
      return isSubject(subject) && isCount(minimum) ? { kind, subject, minimum, ...end } : undefined
    case 'jti':
    case 'kid':
      return isSubject(subject) ? { kind, subject, ...end } : undefined
    case 'floor':
      return isCount(minimum) ? { kind, minimum, ...end } : undefined
    default:
      return undefined
  }
}

function isRecord(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isSubject(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= maxSubjectLength
}
