import type { RequestDesk } from '../access-requests/desk.ts'
import { clientAuthentications } from '../clients/authentication.ts'
import { expireRequests } from '../access-requests/expire-requests.ts'
import { forgetRequests } from '../access-requests/forget-requests.ts'
import type { Config } from '../config/config.ts'
import { every } from '../kernel/background.ts'
import { newRequestId } from '../kernel/ids.ts'
import type { Notifier } from '../notices/notifier.ts'
import type { Core } from './core.ts'
import type { Surroundings } from './surroundings.ts'

const expireEveryMs = 5000

/** What working on requests for access needs; in every process that serves partners or the team. */
export function requestDesk(
  { store, change, dataKeys, catalogue }: Core,
  { accessRequests, environment, mtls }: Config,
  issuer: string,
  notifier: Notifier,
  { random }: Pick<Surroundings, 'random'>,
): RequestDesk {
  return {
    ...accessRequests,
    authentications: mtls === undefined ? ['secret'] : clientAuthentications,
    issuer,
    reads: store.requests,
    intake: store.intake,
    change,
    maker: { random, dataKeys, environment },
    notifier,
    catalogue: () => catalogue.current(),
  }
}

/** Ends what waits too long, and forgets what has been over for long; in one process of each server. */
export function expireRequestsInTime(
  desk: RequestDesk,
  { clock, random, logger }: Surroundings,
  started: AsyncDisposableStack,
): void {
  const context = () => ({ actor: 'latchkey', requestId: newRequestId(random, clock.now()), now: clock.now() })
  every(started, expireEveryMs, logger, () => expireRequests(desk, context))
  every(started, expireEveryMs, logger, () => forgetRequests(desk, context))
}
