import type { Config } from '../config/config.ts'
import type { MetricsSnapshot } from '../metrics/metrics.ts'
import { openAddressAlerts } from './address-alerts.ts'
import { openCore } from './core.ts'
import { prepareListeners } from './listeners.ts'
import { keepGauges } from './gauges.ts'
import { mtlsBase, openMtlsListener, publicEndpointsOf } from './mtls.ts'
import { openObservation } from './observation.ts'
import { openNotifier } from './notices.ts'
import { oauthEndpoints } from './oauth-endpoints.ts'
import { createOutcomeLog } from './outcome-log.ts'
import { openPortal } from './portal.ts'
import { ownPublicSide } from './public-side.ts'
import { requestDesk } from './access-requests.ts'
import { reportPresence } from './delivery-links.ts'
import { openPublishedRevocations } from './revocations.ts'
import type { Surroundings } from './surroundings.ts'
import { createTokenServices } from './token-services.ts'

/** One of several processes that serve the public listener together. */
export interface RunningWorker {
  readonly port: number
  reloadCertificate(): void
  collectMetrics(): Promise<MetricsSnapshot>
  /** As the server's. */
  stop(): Promise<void>
}

/**
 * Starts what partners talk to, and nothing else: administration, schedules and migrations are the business of the process above. Its configuration
 * is that process's own. Throws a Fault, with everything given back, when something is not as it must be.
 */
export async function startWorker(config: Config, slot: number, surroundings: Surroundings): Promise<RunningWorker> {
  const { issuer } = config
  if (issuer === undefined) throw new Error('a worker needs an issuer')
  await using started = new AsyncDisposableStack()
  const listeners = prepareListeners(config, surroundings, started)
  const observation = await openObservation(surroundings)
  const core = await openCore(config, surroundings, started, observation, slot)
  const notifier = openNotifier(core, config, surroundings)
  const alerts = openAddressAlerts(core, notifier, surroundings, started)
  const log = createOutcomeLog(core, observation, alerts, surroundings, started)
  const tokens = createTokenServices(core, issuer, surroundings)
  const revocations = await openPublishedRevocations(core, issuer, surroundings, started)
  await reportPresence(core, surroundings, started)
  const requests = requestDesk(core, config, issuer, notifier, surroundings)
  const mtls = mtlsBase(config, issuer, config.mtls?.listener?.port)
  const portal = await openPortal(core, config, issuer, mtls, listeners, notifier, requests, surroundings, started)
  core.follow()
  // Last: from here on the process above hands it connections, and its siblings should not lose theirs to one that cannot serve yet.
  const listener = await listeners.openPublic()
  const side = ownPublicSide(listener, config, started)
  const mtlsListener = await openMtlsListener(config, listeners, surroundings)
  const mtlsSide = mtlsListener && ownPublicSide(mtlsListener, config, started)
  const oauth = oauthEndpoints(
    core,
    issuer,
    mtlsBase(config, issuer, mtlsListener?.port),
    { random: surroundings.random, dataKeys: core.dataKeys, environment: config.environment },
    tokens,
    revocations,
    log,
    observation,
    surroundings,
  )
  keepGauges(
    observation,
    {
      core,
      revocations,
      revocationStreams: oauth.revocationStreams,
      listeners,
      open: { public: listener, ...(mtlsListener && { mtls: mtlsListener }) },
    },
    surroundings,
  )
  listener.serve(publicEndpointsOf(config, oauth), (request, response) => portal.routing(request, response))
  mtlsListener?.serve(oauth.mtlsEndpoints)

  const running = started.move()
  return {
    port: listener.port,
    reloadCertificate: () => listeners.reloadCertificate(),
    collectMetrics: () => observation.metrics.collect(),
    async stop() {
      await Promise.all([side.stop(), mtlsSide?.stop()])
      await running.disposeAsync()
    },
  }
}
