import type { EpochMs } from '@latchkey/protocol'
import { randomLowercase } from '../kernel/ids.ts'
import { every } from '../kernel/background.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/log.ts'
import type { Random } from '../kernel/random.ts'
import type { PresenceBook } from './ports.ts'

const intervalMs = 5000

export interface PresenceOptions {
  readonly book: PresenceBook
  /** See `Digest.usesReportedUntil`. */
  readonly usesReportedUntil: () => EpochMs
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/**
 * Writes down that this process serves, and up to when it has reported the uses of credentials; from now on until the stack is disposed. One that
 * leaves has reported everything by then. Throws Fault `store.unavailable` when it cannot say so at the start: the others would not wait for it.
 */
export async function keepPresence(options: PresenceOptions, started: AsyncDisposableStack): Promise<void> {
  const { book, usesReportedUntil, clock, random, logger } = options
  const processId = randomLowercase(random, 16)
  const note = () => book.note({ processId, seenAt: clock.now(), usesReportedUntil: usesReportedUntil() })
  await note()
  every(started, intervalMs, logger, note)
}
