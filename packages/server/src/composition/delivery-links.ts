import { keepPresence } from '../delivery-links/keep-presence.ts'
import { judgeUnconfirmed } from '../delivery-links/judge-unconfirmed.ts'
import { every } from '../kernel/background.ts'
import { newRequestId } from '../kernel/ids.ts'
import type { Notifier } from '../notices/notifier.ts'
import type { Core } from './core.ts'
import type { Surroundings } from './surroundings.ts'

const judgeEveryMs = 5000

/** Says which uses of credentials this process has reported; in every process that issues tokens. */
export function reportPresence(
  { store, digest }: Core,
  { clock, random, logger }: Surroundings,
  started: AsyncDisposableStack,
): Promise<void> {
  const usesReportedUntil = () => digest.usesReportedUntil()
  return keepPresence({ book: store.presence, usesReportedUntil, clock, random, logger }, started)
}

/** Settles claims that nobody acknowledged; in one process of each server. */
export function settleClaims(
  { store, change }: Core,
  notifier: Notifier,
  { clock, random, logger }: Surroundings,
  started: AsyncDisposableStack,
): void {
  const { links: reads, clients, presence } = store
  const context = () => ({ actor: 'latchkey', requestId: newRequestId(random, clock.now()), now: clock.now() })
  every(started, judgeEveryMs, logger, () => judgeUnconfirmed({ reads, clients, presence, change, notifier }, context))
}
