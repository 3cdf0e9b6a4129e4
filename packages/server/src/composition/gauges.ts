import type { Listener } from '../http/listener.ts'
import type { PublishedRevocations } from '../tokens/revocation-feed.ts'
import type { Core } from './core.ts'
import type { Listeners } from './listeners.ts'
import type { Observation } from './observation.ts'
import type { Surroundings } from './surroundings.ts'

/** What of a process is asked for its state at each scrape. */
export interface Observed {
  readonly core: Core
  readonly revocations: PublishedRevocations
  readonly revocationStreams: () => number
  readonly listeners: Listeners
  /** By name. */
  readonly open: Readonly<Record<string, Listener>>
}

export function keepGauges({ metrics }: Observation, observed: Observed, { clock }: Pick<Surroundings, 'clock'>): void {
  const { core, revocations, revocationStreams, listeners, open } = observed
  let contactAt: number = clock.now()
  core.onContact((asOf) => {
    contactAt = asOf
  })
  metrics.keep({
    now: () => clock.now(),
    cachedClients: () => core.clients.size(),
    storeContactAt: () => contactAt,
    revocationSequence: () => revocations.sequence,
    revocationStreams,
    async connections() {
      const counts = Object.entries(open).map(async ([name, listener]) => [name, await listener.connections()] as const)
      return Object.fromEntries(await Promise.all(counts))
    },
    signingKeys: () => core.keys().all,
    certificateEndsAt: () => listeners.certificate()?.notAfter,
    auditIsWritable: () => core.audit.problem() === undefined,
    checkpointsWaitSince: () => core.audit.checkpointsWaitSince(),
  })
}
