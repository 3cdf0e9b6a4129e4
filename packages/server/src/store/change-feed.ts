import type { EpochMs } from '@latchkey/protocol'
import type { Clock } from '../kernel/clock.ts'
import { describeError } from '../kernel/faults.ts'
import type { Logger } from '../kernel/log.ts'
import type { Announce } from './sql/change.ts'
import type { ChangeNoticeReads } from './sql/change-notices.ts'
import { everythingChanged, mergeNotices, type ChangeNotice } from './sql/touched.ts'

/** Notices read in one go. */
const readLimit = 1000

/** What one process does when something changed on the database, by itself or by another. */
export interface Follower {
  /**
   * Makes good what a change made out of date; changes that were read together come as one. When it rejects, it is called again with the same
   * until it resolves: then, and only then, is the change taken for known.
   */
  readonly onChange: (notice: ChangeNotice) => Promise<void>
  /** The database was reached at this moment (taken before the read that succeeded), and every change up to it was handed to `onChange`. */
  readonly onContact: (asOf: EpochMs) => void
}

/** Hands every change of any process to its follower: this process's own before their callers are answered, others' within a second. */
export interface ChangeFeed {
  /** For the change runner: what this process itself committed. Never rejects. */
  readonly announce: Announce
  /** Begins to hand out what happened since the feed was opened. Once; everything in memory was read between the two. */
  start(follower: Follower): void
  /** Ends it; resolves when nothing more will be handed out. */
  close(): Promise<void>
}

/** Calls `wake` whenever another process may have changed something; is allowed to miss it. Answers how to stop. */
export type Listen = (wake: () => void) => () => Promise<void>

/** How a backend's feed finds out. */
export interface FeedSource {
  readonly reads: ChangeNoticeReads
  /** Milliseconds between two looks, which alone suffice when nothing wakes it. */
  readonly pollMs: number
  readonly listen: Listen
}

/**
 * Follows the changes from this moment on. Order is that of the commits; a process that was away for longer than notices are kept is told that
 * everything changed. Throws Fault `store.unavailable`.
 */
export async function openChangeFeed(
  { reads, pollMs, listen }: FeedSource,
  clock: Clock,
  logger: Logger,
): Promise<ChangeFeed> {
  let follower: Follower | undefined
  let stop = () => Promise.resolve()
  let position = await reads.latest()
  /** Own changes that were handed over before the feed came to them. */
  const known = new Set<number>()
  /** Own changes that are being handed over: a look that comes to one waits for its outcome, rather than hand it over beside. */
  const announcing = new Map<number, Promise<void>>()
  let looking: Promise<void> | undefined
  let lookAgain = false
  let isAway = false
  let isClosed = false

  async function look({ onChange, onContact }: Follower): Promise<void> {
    const asOf = clock.now()
    const latest = await reads.latest()
    // Behind where we are: the database was put back to an earlier moment.
    if (latest < position) {
      await onChange(everythingChanged)
      known.clear()
      position = latest
    }
    while (position < latest) await advance(latest, onChange)
    onContact(asOf)
  }

  async function advance(latest: number, onChange: Follower['onChange']): Promise<void> {
    const found = await reads.after(position, readLimit)
    const isWhole = found.every(({ sequence }, i) => sequence === position + 1 + i) && found.length > 0
    const end = found.at(-1)?.sequence ?? latest
    await Promise.all(found.flatMap(({ sequence }) => announcing.get(sequence) ?? []))
    const unknown = found.filter(({ sequence }) => !known.has(sequence))
    if (!isWhole) await onChange(everythingChanged)
    else if (unknown.length > 0) await onChange(mergeNotices(unknown.map(({ notice }) => notice)))
    position = Math.max(position, end)
    for (const sequence of known) if (sequence <= position) known.delete(sequence)
  }

  async function lookUntilQuiet(following: Follower): Promise<void> {
    try {
      do {
        lookAgain = false
        await look(following)
      } while (lookAgain)
      if (isAway) logger.info('the database is reached again: changes made meanwhile are known')
      isAway = false
    } catch (error) {
      if (!isAway) logger.warn({ error: describeError(error) }, 'changes made by others are not known for now')
      isAway = true
    }
  }

  async function handOver({ onChange }: Follower, notice: ChangeNotice, sequence: number): Promise<void> {
    try {
      await onChange(notice)
      if (sequence === position + 1) position = sequence
      else if (sequence > position) known.add(sequence)
    } catch (error) {
      // The change stands; the next look hands it over again.
      logger.error({ error: describeError(error) }, 'what a change made out of date could not be read')
    }
  }

  function wake(): void {
    if (isClosed || follower === undefined) return
    // A change that was committed before this call is seen by a look that begins after it.
    if (looking !== undefined) lookAgain = true
    looking ??= lookUntilQuiet(follower).finally(() => {
      looking = undefined
    })
  }

  return {
    start(following) {
      follower = following
      const stopListening = listen(wake)
      const timer = setInterval(() => {
        if (looking === undefined) wake()
      }, pollMs)
      timer.unref()
      stop = async () => {
        clearInterval(timer)
        await stopListening()
      }
      wake()
    },
    async announce(notice, sequence) {
      if (follower === undefined) return
      const handedOver = handOver(follower, notice, sequence)
      announcing.set(sequence, handedOver)
      await handedOver
      announcing.delete(sequence)
    },
    async close() {
      isClosed = true
      await stop()
      await looking
    },
  }
}
