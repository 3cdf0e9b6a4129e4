import { every } from '../kernel/background.ts'
import { newRequestId } from '../kernel/ids.ts'
import { addressAlerts, type AddressAlerts } from '../network-policy/alert-team.ts'
import type { Notifier } from '../notices/notifier.ts'
import type { Core } from './core.ts'
import type { Surroundings } from './surroundings.ts'

/** Tells the team of right credentials in wrong places, behind the requests; in every process that refuses them. */
export function openAddressAlerts(
  { change }: Pick<Core, 'change'>,
  notifier: Notifier,
  { clock, random, logger }: Surroundings,
  started: AsyncDisposableStack,
): AddressAlerts {
  const alerts = addressAlerts({ change, notifier })
  const context = () => ({ actor: 'latchkey', requestId: newRequestId(random, clock.now()), now: clock.now() })
  every(started, 1000, logger, () => alerts.flush(context))
  // What was refused in the last second is told all the same.
  started.defer(() => alerts.flush(context).catch(() => undefined))
  return alerts
}
