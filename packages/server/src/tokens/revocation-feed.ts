import { toSeconds, type EpochMs, type RevocationEntry, type RevocationFeed } from '@latchkey/protocol'
import type { RevocationReads, SequencedRevocation } from './ports.ts'

/** Entries read in one go. */
const readLimit = 5000

/** Entries of one answer; about 130 bytes each. A verifier asks again at once when there are more. */
const pageLimit = 5000

/** Everything that is published about endings, in memory: verifiers ask without costing the database anything. */
export interface PublishedRevocations {
  /** What came after `cursor`; everything when there is none, or when it is older than what is kept. */
  since(cursor: number | undefined): RevocationFeed
  /** Takes over what was appended. Throws Fault `store.unavailable`: then what is known stays, and `as_of` stands still until it was made up for. */
  refresh(): Promise<void>
  /** The database was reached at this moment, and every change before it was announced here: `as_of`, unless a refresh is owed. */
  confirm(at: EpochMs): void
  /** Calls `listener` after every refresh that brought something; answers how to stop it. */
  onChange(listener: () => void): () => void
  /** Drops entries that outlived every token they could concern. */
  forgetExpired(now: EpochMs): void
  /** The newest sequence known. */
  readonly sequence: number
}

/** Reads all entries that there are. Throws Fault `store.unavailable`. */
export async function publishRevocations(
  issuer: string,
  reads: RevocationReads,
  now: EpochMs,
): Promise<PublishedRevocations> {
  let entries: SequencedRevocation[] = []
  let sequence = 0
  let asOf = now
  let reading: Promise<void> | undefined
  let readAgain = false
  let isBehind = false
  const listeners = new Set<() => void>()

  async function read(): Promise<void> {
    const before = sequence
    for (;;) {
      const { entries: found, latest } = await reads.after(sequence, readLimit)
      entries = entries.concat(found)
      const isWhole = found.length < readLimit
      // The newest sequence counts even when its entry is gone: a verifier may hold it.
      sequence = Math.max(sequence, isWhole ? latest : (found.at(-1)?.sequence ?? latest))
      if (isWhole) break
    }
    if (sequence !== before) for (const listener of listeners) listener()
  }

  async function readUntilQuiet(): Promise<void> {
    isBehind = true
    do {
      readAgain = false
      await read()
    } while (readAgain)
    isBehind = false
  }

  const published: PublishedRevocations = {
    since(cursor) {
      const oldest = entries[0]?.sequence ?? sequence
      const snapshot = cursor === undefined || cursor < oldest || cursor > sequence
      const from = snapshot ? 0 : firstAfter(entries, cursor)
      const page = entries.slice(from, from + pageLimit)
      const more = from + page.length < entries.length
      return {
        issuer,
        snapshot,
        sequence: more ? (page.at(-1)?.sequence ?? sequence) : sequence,
        more,
        as_of: toSeconds(asOf),
        entries: page.map((entry) => publicEntry(entry)),
      }
    },
    refresh() {
      // Whatever was appended before this call is read by a read that begins after it.
      if (reading !== undefined) readAgain = true
      reading ??= readUntilQuiet().finally(() => {
        reading = undefined
      })
      return reading
    },
    confirm(at) {
      if (isBehind) published.refresh().catch(() => undefined)
      else if (reading === undefined) asOf = Math.max(asOf, at) as EpochMs
    },
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    forgetExpired(moment) {
      entries = entries.filter((entry) => entry.expiresAt >= moment)
    },
    get sequence() {
      return sequence
    },
  }
  await published.refresh()
  published.forgetExpired(now)
  return published
}

/** Index of the first entry above `cursor`. */
function firstAfter(entries: readonly SequencedRevocation[], cursor: number): number {
  let [low, high] = [0, entries.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((entries[middle]?.sequence ?? Infinity) > cursor) high = middle
    else low = middle + 1
  }
  return low
}

function publicEntry({ kind, subject, minimum, expiresAt }: SequencedRevocation): RevocationEntry {
  const expires = { expires_at: toSeconds(expiresAt) }
  if (kind === 'floor') return { kind, minimum, ...expires }
  return kind === 'credential' ? { kind, subject, minimum, ...expires } : { kind, subject, ...expires }
}
