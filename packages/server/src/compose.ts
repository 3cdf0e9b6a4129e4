import { endpointPaths } from '@latchkey/protocol'
import { keepAdminResourceServer } from './admin-api/access/admin-resource-server.ts'
import { createLocalAdminApp, createRemoteAdminApp } from './admin-api/admin-app.ts'
import { openAdminSocket } from './admin-api/admin-socket.ts'
import type { AdminServices } from './admin-api/services.ts'
import { openAddressAlerts } from './composition/address-alerts.ts'
import { adminServices } from './composition/administration.ts'
import { keyAdministration } from './composition/key-administration.ts'
import { openCore } from './composition/core.ts'
import { prepareListeners } from './composition/listeners.ts'
import { keepGauges } from './composition/gauges.ts'
import { mtlsBase, openMtlsListener, publicEndpointsOf } from './composition/mtls.ts'
import { openObservation } from './composition/observation.ts'
import { openNotifier, sendNotices } from './composition/notices.ts'
import { oauthEndpoints } from './composition/oauth-endpoints.ts'
import { createOutcomeLog } from './composition/outcome-log.ts'
import { expireRequestsInTime, requestDesk } from './composition/access-requests.ts'
import { reportPresence, settleClaims } from './composition/delivery-links.ts'
import { tellEndingsInTime } from './composition/endings.ts'
import { openPortal } from './composition/portal.ts'
import { ownPublicSide, type PublicSide } from './composition/public-side.ts'
import { openPublishedRevocations } from './composition/revocations.ts'
import type { Surroundings } from './composition/surroundings.ts'
import { createTokenServices, forgetOldRevocations } from './composition/token-services.ts'
import { startWorkers } from './composition/worker-pool.ts'
import type { Config } from './config/config.ts'
import { healthEndpoint, readinessEndpoint } from './http/health.ts'
import { metricsEndpoint } from './metrics/metrics-endpoint.ts'
import type { Fault } from './kernel/faults.ts'
import { newRequestId } from './kernel/ids.ts'

export type { Surroundings } from './composition/surroundings.ts'

/** A server that answers. */
export interface RunningServer {
  readonly issuer: string
  readonly tokenEndpoint: string
  /** At the listener that asks for certificates; undefined without one. */
  readonly mtlsTokenEndpoint: string | undefined
  /** What the public listener got, for an issuer that is reached through a proxy. */
  readonly publicPort: number
  /** `http(s)://<host>:<port>` of the public listener itself, whatever stands before it. */
  readonly publicUrl: string
  /** The same of the admin listener. */
  readonly adminUrl: string
  readonly adminSocket: string
  /** For `dev`, which registers its demo through the same operations as everybody. */
  readonly services: AdminServices
  /** Settles when it cannot go on, with the reason: it has to be stopped then. Otherwise never. */
  readonly failure: Promise<Fault>
  /** Reads the TLS certificate again at once. */
  reloadCertificate(): void
  /**
   * Says that it is not ready any more, serves for the drain delay so that balancers notice, lets requests under way finish, writes what is
   * still in memory, and gives everything back: ten seconds in all, unless a longer delay was configured.
   */
  stop(): Promise<void>
}

/** Wires everything and starts it. Throws a Fault, with everything given back, when something is not as it must be. */
export async function startServer(config: Config, surroundings: Surroundings): Promise<RunningServer> {
  const { logger } = surroundings
  await using started = new AsyncDisposableStack()
  const listeners = prepareListeners(config, surroundings, started)
  const observation = await openObservation(surroundings)
  const core = await openCore(config, surroundings, started, observation)
  const notifier = openNotifier(core, config, surroundings)
  const alerts = openAddressAlerts(core, notifier, surroundings, started)
  const log = createOutcomeLog(core, observation, alerts, surroundings, started)

  // Listeners: opened before anything that names the issuer, because with port 0 only then it is known
  const ownListener = config.workers > 1 ? undefined : await listeners.openPublic()
  const ownSide = ownListener && ownPublicSide(ownListener, config, started)
  const mtlsListener = ownListener && (await openMtlsListener(config, listeners, surroundings))
  const mtlsSide = mtlsListener && ownPublicSide(mtlsListener, config, started)
  const adminListener = await listeners.openAdmin()
  started.defer(() => adminListener.drain(1000))
  const issuer = config.issuer ?? listeners.publicOrigin(ownSide?.port ?? config.port)
  const mtls = mtlsBase(config, issuer, mtlsListener?.port)

  // Tokens and administration
  const tokens = createTokenServices(core, issuer, surroundings)
  forgetOldRevocations(core, surroundings, started)
  const revocations = await openPublishedRevocations(core, issuer, surroundings, started)
  const keys = keyAdministration(core, config, surroundings, started)
  const requests = requestDesk(core, config, issuer, notifier, surroundings)
  core.follow()
  const opened: { socketPath?: string } = {}
  const facts = {
    certificate: () => listeners.certificate(),
    mtlsCertificate: () => listeners.mtlsCertificate(),
    ignoredForwarding: () => listeners.ignoredForwarding(),
    socketPath: () => opened.socketPath,
  }
  const services = adminServices(core, config, issuer, tokens, keys, facts, notifier, requests, surroundings)
  const socket = await openAdminSocket({
    app: createLocalAdminApp(services, logger),
    dataDirectory: core.directory.path,
    socketPath: config.adminSocket,
  })
  opened.socketPath = socket.path
  started.defer(() => socket.close())
  expireRequestsInTime(requests, surroundings, started)
  settleClaims(core, notifier, surroundings, started)
  tellEndingsInTime(core, listeners, notifier, surroundings, started)
  sendNotices(core, config, issuer, observation, surroundings, started)
  const requestId = newRequestId(surroundings.random, surroundings.clock.now())
  await keepAdminResourceServer(core.change, { actor: 'latchkey', requestId, now: surroundings.clock.now() })
  const remote = createRemoteAdminApp(services, logger, {
    names: { host: config.adminHost, port: adminListener.port, consoleUrl: config.consoleUrl },
    judge: {
      inspector: tokens.inspector,
      load: (clientId) => core.clients.load(clientId),
      peers: listeners.peers,
      clock: surroundings.clock,
    },
  })
  started.defer(() => remote.close())
  await remote.ready()

  const oauth = oauthEndpoints(core, issuer, mtls, services.maker, tokens, revocations, log, observation, surroundings)
  const { revocationStreams } = oauth
  const open = {
    admin: adminListener,
    ...(ownListener && { public: ownListener }),
    ...(mtlsListener && { mtls: mtlsListener }),
  }
  keepGauges(observation, { core, revocations, revocationStreams, listeners, open }, surroundings)
  if (ownListener !== undefined) {
    await reportPresence(core, surroundings, started)
    const portal = await openPortal(core, config, issuer, mtls, listeners, notifier, requests, surroundings, started)
    ownListener.serve(publicEndpointsOf(config, oauth), (request, response) => portal.routing(request, response))
    mtlsListener?.serve(oauth.mtlsEndpoints)
  }
  const pool = ownSide === undefined ? await startWorkers(config, logger) : undefined
  if (pool !== undefined) started.defer(() => pool.stop())
  const publicSide: PublicSide | undefined = ownSide ?? pool
  const publicPort = publicSide?.port ?? config.port
  let isStopping = false
  const { audit } = core
  const database = core.store.doctor
  adminListener.serve(
    new Map([
      ['/healthz', healthEndpoint],
      [
        '/metrics',
        metricsEndpoint(async () => [await observation.metrics.collect(), ...((await pool?.collectMetrics()) ?? [])]),
      ],
      [
        '/readyz',
        readinessEndpoint([
          { name: 'server', check: () => Promise.resolve(isStopping ? 'stopping' : undefined) },
          ...(pool === undefined ? [] : [{ name: 'workers', check: () => Promise.resolve(pool.problem()) }]),
          { name: 'database', check: () => database.ping().then(() => undefined) },
          { name: 'audit', check: () => Promise.resolve(audit.problem()) },
        ]),
      ],
    ]),
    (message, response) => {
      remote.routing(message, response)
    },
  )

  const running = started.move()
  return {
    issuer,
    tokenEndpoint: services.tokenEndpoint,
    mtlsTokenEndpoint: mtls && mtls + endpointPaths.token,
    publicPort,
    publicUrl: listeners.publicOrigin(publicPort),
    adminUrl: listeners.adminOrigin(adminListener.port),
    adminSocket: socket.path,
    services,
    failure: pool?.failure ?? new Promise<never>(() => undefined),
    reloadCertificate() {
      listeners.reloadCertificate()
      pool?.reloadCertificate()
    },
    async stop() {
      isStopping = true
      // Requests are let go before what they need is taken away; the stack does the rest in reverse.
      await Promise.all([publicSide?.stop(), mtlsSide?.stop()])
      await running.disposeAsync()
    },
  }
}
