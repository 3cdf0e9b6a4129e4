import { denialBudget } from '../audit/log/denial-budget.ts'
import type { AddressAlerts } from '../network-policy/alert-team.ts'
import { every } from '../kernel/background.ts'
import type { OutcomeLog } from '../token-endpoint/group-commit.ts'
import type { Core } from './core.ts'
import type { Observation } from './observation.ts'
import type { Surroundings } from './surroundings.ts'

/** Refusals recorded one by one for each client, and in all, in a minute. */
const knownCallerBudget = { windowMs: 60_000, perPrefix: 300, total: 6000 }

/** Reasons that only somebody gives who holds, or held, a real secret or certificate: the best signs of a leak. */
const knownCredentialReasons: ReadonlySet<string> = new Set([
  'authentication.secret_wrong',
  'authentication.secret_revoked',
  'authentication.secret_expired',
  'authentication.client_disabled',
  'authentication.certificate_revoked',
  'authentication.certificate_of_another_client',
])

/** Where outcomes go: the audit log, within a budget that no stranger can use up for others, and the digests of each client. */
export function createOutcomeLog(
  { audit, digest }: Pick<Core, 'audit' | 'digest'>,
  { metrics }: Pick<Observation, 'metrics'>,
  alerts: Pick<AddressAlerts, 'note'>,
  { clock, logger }: Surroundings,
  started: AsyncDisposableStack,
): OutcomeLog {
  const strangers = denialBudget()
  // Apart from strangers, so that a flood from anywhere hides neither a client's own refusals nor the use of a secret that was known once.
  const knownCallers = denialBudget(knownCallerBudget)
  const recordSummaries = async () => {
    const counted = [strangers.summary(clock.now()), knownCallers.summary(clock.now())]
    const summaries = counted.filter((summary) => summary !== undefined)
    if (summaries.length > 0) await audit.append(summaries)
  }
  started.defer(() => recordSummaries().catch(() => undefined))
  every(started, 10_000, logger, recordSummaries)
  return {
    append: (events) => audit.append(events),
    recordsRefusal: ({ reason, clientId, authenticated, address }) =>
      authenticated || knownCredentialReasons.has(reason)
        ? knownCallers.spend(clientId, reason, clock.now())
        : strangers.spend(address, reason, clock.now()),
    noteGrant: (grant) => {
      digest.noteGrant(grant)
    },
    noteRefusal: (clientId, requestId, reason, address) => {
      digest.noteRefusal({ clientId, requestId, reason, address, at: clock.now() })
      if (reason === 'network.address_not_allowed') alerts.note({ clientId, requestId, address })
    },
    noteReport: (clientId, requestId, reason, address) => {
      digest.noteReport({ clientId, requestId, reason, address, at: clock.now() })
    },
    countOutcome: (reason) => metrics.countOutcome(reason),
    countGroup: (size) => metrics.countGroup(size),
  }
}
