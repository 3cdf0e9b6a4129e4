import type { EpochSeconds, RevocationFeed } from '@latchkey/protocol'
import type { FeedRefusal } from './revocation-failure.ts'
import { RevocationList } from './revocation-list.ts'

/**
 * How far what is known can be relied on: `current`; `stale` once the issuer's last contact with its database is `maxStalenessSeconds` ago; `none`
 * before the first whole answer, and where nothing can be said: more entries than may be kept, or a clock that was set back.
 */
export type Contact = 'current' | 'stale' | 'none'

export interface KnownRevocationsSettings {
  readonly issuer: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly clockToleranceSeconds: number
  readonly maxStalenessSeconds: number
  /** Beyond it nothing more is kept, and `contact` is `none`. One document may pass it. */
  readonly maxEntries: number
}

/** How much `as_of` moves on between two sweeps, in seconds. */
const sweepIntervalSeconds = 60

/**
 * What the feed said so far, and what of a further document is believed. Neither sequence nor `as_of` ever moves backwards, and nothing that ended lives
 * again: a snapshot comes on top of what is known instead of replacing it, so that an issuer that forgot cannot make this guard forget.
 *
 * Two clocks meet in `as_of`, the issuer's, and `now`, the API's: they may be apart by `clockToleranceSeconds`. Ahead of `now` by more than that
 * is refused. Staleness gets no allowance: with a clock that is 60 seconds behind the issuer's, access ends 60 seconds late, and the other way round.
 * Entries are forgotten by `as_of` and not by `now`, twice the tolerance after their end: then `now` is past the end by at least the tolerance
 * with which `exp` is judged, whatever either clock shows, and no jump of the API's clock loses an entry.
 */
export class KnownRevocations {
  readonly list: RevocationList = new RevocationList()
  readonly #settings: KnownRevocationsSettings
  #sequence: number | undefined
  #asOf = 0
  /** A snapshot of several documents counts only when the last is there. */
  #whole = false
  #sweptAt = 0

  constructor(settings: KnownRevocationsSettings) {
    this.#settings = settings
  }

  /** The cursor for the next request. */
  get sequence(): number | undefined {
    return this.#sequence
  }

  contact(): Contact {
    const { now, clockToleranceSeconds, maxStalenessSeconds, maxEntries } = this.#settings
    if (!this.#whole || this.list.size > maxEntries) return 'none'
    const ageSeconds = now() / 1000 - this.#asOf
    // Each comparison says what must hold, so that a clock that returns NaN relies on nothing.
    if (!(ageSeconds >= -clockToleranceSeconds)) return 'none'
    return ageSeconds < maxStalenessSeconds ? 'current' : 'stale'
  }

  /**
   * Takes in a document that answers a request with the cursor `after`. Returns why it is not believed, or `undefined`. An answer can have been
   * overtaken by a newer one on another line: it is measured by its own cursor, and what it says still counts.
   */
  take(feed: RevocationFeed, after: number | undefined): FeedRefusal | undefined {
    const { now, clockToleranceSeconds, maxEntries } = this.#settings
    if (after === undefined ? !feed.snapshot : feed.sequence < after) {
      return after === undefined ? 'feed.not_a_snapshot' : 'feed.sequence_backwards'
    }
    if (feed.more && feed.sequence === after) return 'feed.no_progress'
    if (!(feed.as_of <= now() / 1000 + clockToleranceSeconds)) return 'feed.as_of_in_future'
    this.#sweep(Math.max(feed.as_of, this.#asOf))
    if (this.list.size > maxEntries) return 'feed.too_many_entries'
    for (const entry of feed.entries) this.list.add(entry)
    this.#sequence = Math.max(feed.sequence, this.#sequence ?? 0)
    if (feed.more) return this.list.size > maxEntries ? 'feed.too_many_entries' : undefined
    this.#whole = true
    this.#asOf = Math.max(feed.as_of, this.#asOf)
    return this.list.size > maxEntries ? 'feed.too_many_entries' : undefined
  }

  /** Everything as one document; `undefined` until a first whole answer. */
  snapshot(): RevocationFeed | undefined {
    if (!this.#whole || this.#sequence === undefined) return undefined
    return {
      issuer: this.#settings.issuer,
      snapshot: true,
      sequence: this.#sequence,
      more: false,
      as_of: this.#asOf as EpochSeconds,
      entries: this.list.entries(),
    }
  }

  #sweep(asOf: number): void {
    const { clockToleranceSeconds, maxEntries } = this.#settings
    if (asOf < this.#sweptAt + sweepIntervalSeconds && this.list.size <= maxEntries) return
    this.#sweptAt = asOf
    this.list.forget(asOf - 2 * clockToleranceSeconds)
  }
}
