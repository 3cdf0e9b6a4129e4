import path from 'node:path'
import { endpointPaths, type EpochMs } from '@latchkey/protocol'
import { createLocalAdminApp } from './admin-api/admin-app.ts'
import { openAdminSocket } from './admin-api/admin-socket.ts'
import type { AdminServices } from './admin-api/services.ts'
import { denialBudget } from './audit/log/denial-budget.ts'
import { createDigest } from './audit/digest.ts'
import { listAudit } from './audit/list/list.ts'
import { openAudit } from './audit/log/open-audit.ts'
import { chainRow } from './audit/row-chain.ts'
import { verifyAudit } from './audit/verify/verify.ts'
import type { Config } from './config/config.ts'
import { serverFindings } from './doctor/server-findings.ts'
import { maxFormBytes } from './http/form.ts'
import { healthEndpoint, readinessEndpoint } from './http/health.ts'
import { openListener, originOf } from './http/listener.ts'
import { findAddress, proxyNetworks } from './http/peer.ts'
import { introspectionEndpoint } from './introspection-endpoint/introspection-endpoint.ts'
import { every, memoize, once } from './kernel/background.ts'
import type { Clock } from './kernel/clock.ts'
import { steadiness } from './kernel/elapsed.ts'
import { describeError } from './kernel/faults.ts'
import { newRequestId } from './kernel/ids.ts'
import type { Logger } from './kernel/log.ts'
import type { Random } from './kernel/random.ts'
import { done } from './kernel/result.ts'
import { readMasterKey } from './keys/master-key.ts'
import { openKeys } from './keys/open-keys.ts'
import { publicDocument } from './metadata-endpoint/document.ts'
import { publicEndpoints } from './metadata-endpoint/public-endpoints.ts'
import { serverMetadata } from './metadata-endpoint/server-metadata.ts'
import type { Catalogue } from './resource-servers/catalogue.ts'
import { revocationEndpoint } from './revocation-endpoint/revocation-endpoint.ts'
import { cachedCatalogue } from './store/cached/catalogue.ts'
import { cachedClients } from './store/cached/clients.ts'
import { openDataDirectory } from './store/data-directory.ts'
import { lockDatabase } from './store/database-lock.ts'
import { migrate } from './store/migrations/index.ts'
import { auditLogStore, digestStore } from './store/sql/audit.ts'
import { changeRunner } from './store/sql/change.ts'
import { clientReads, credentialUses } from './store/sql/clients.ts'
import { doctorReads } from './store/sql/doctor.ts'
import { keyStore } from './store/sql/keys.ts'
import { resourceServerReads } from './store/sql/resource-servers.ts'
import { tokenStatusReads } from './store/sql/revocations.ts'
import { openSqlite } from './store/sqlite.ts'
import { guessLimit } from './token-endpoint/authenticate/guess-limit.ts'
import { groupCommit, type OutcomeLog } from './token-endpoint/group-commit.ts'
import { tokenEndpoint } from './token-endpoint/token-endpoint.ts'
import { createTokenInspector } from './tokens/inspect.ts'
import { createTokenIssuer } from './tokens/issue.ts'
import { localTokens } from './admin-api/tokens/local-tokens.ts'

/** What the server takes from the process around it; tests hand in their own. */
export interface Surroundings {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly version: string
}

/** A server that answers. */
export interface RunningServer {
  readonly issuer: string
  readonly tokenEndpoint: string
  /** What the public listener got, for an issuer that is reached through a proxy. */
  readonly publicPort: number
  /** `http://<host>:<port>` of the admin listener. */
  readonly adminUrl: string
  readonly adminSocket: string
  /** For `dev`, which registers its demo through the same operations as everybody. */
  readonly services: AdminServices
  /** Lets requests under way finish (10 s at most), writes what is still in memory, and gives everything back. */
  stop(): Promise<void>
}

/** How long a drain may take, in milliseconds, before connections are cut. */
const drainMs = 9000

/** How long verifiers may keep keys without asking (seconds), and how much longer when they cannot ask. */
const jwksFreshness = { maxAgeSeconds: 300, staleIfErrorSeconds: 86_400 }
const metadataFreshness = { maxAgeSeconds: 300, staleIfErrorSeconds: 86_400 }

const hourMs = 3_600_000

/** Revocations are kept this much longer than any token they could concern: for a clock that was wrong when they were made. */
const revocationMarginMs = 86_400_000

/** Refusals recorded one by one for each client, and in all, in a minute. */
const knownCallerBudget = { windowMs: 60_000, perPrefix: 300, total: 6000 }

/** Reasons that only somebody gives who holds, or held, a real secret: the best signs of a leak. */
const knownCredentialReasons: ReadonlySet<string> = new Set([
  'authentication.secret_wrong',
  'authentication.secret_revoked',
  'authentication.secret_expired',
  'authentication.client_disabled',
])

/** An embedded database has one host by its nature: every log that it knows must be beside it, whatever the machine is called today. */
const embeddedHost = 'embedded'

/** The doctor speaks of secrets that end within this time. */
const secretWarningMs = 30 * 86_400_000

/** Wires everything and starts it. Throws a Fault, with everything given back, when something is not as it must be. */
export async function startServer(config: Config, surroundings: Surroundings): Promise<RunningServer> {
  const { clock, random, logger, version } = surroundings
  await using started = new AsyncDisposableStack()

  // Storage and keys
  const directory = openDataDirectory(config.dataDirectory, { development: true })
  started.defer(() => directory.release())
  if (config.database.kind !== 'sqlite') throw new Error('PostgreSQL is not wired yet')
  if (path.dirname(config.database.path) !== directory.path) {
    const lock = lockDatabase(config.database.path)
    started.defer(() => {
      lock.release()
    })
  }
  const db = openSqlite(config.database.path)
  started.defer(() => db.destroy())
  await migrate(db)
  const keyRows = keyStore(db)
  const masterKey = readMasterKey(masterKeySource(config, await keyRows.isNew()))
  const { dataKeys, signingKeys } = await openKeys(keyRows, masterKey, random, clock)
  const keys = () => signingKeys

  // Registry in memory
  const clients = cachedClients(clientReads(db))
  const catalogue = await cachedCatalogue(resourceServerReads(db))
  const sealer = { keyId: () => dataKeys.current('audit-mac'), chain: chainRow.bind(undefined, dataKeys) }
  const change = changeRunner(db, sealer, async (notice) => {
    clients.invalidate(notice)
    await catalogue.invalidate(notice).catch((error: unknown) => {
      // The change stands. Clients are read anew, so only the reason of some refusals can be out of date until the next change.
      logger.error({ error: describeError(error) }, 'the catalogue could not be read')
    })
  })

  // Audit
  const auditStore = auditLogStore(db)
  const audit = await openAudit({
    directory: path.join(directory.path, 'audit'),
    host: embeddedHost,
    dataKeys,
    checkpointKey: signingKeys.checkpoint,
    store: auditStore,
    sync: config.auditSync,
    clock,
    random,
    logger,
    record: async (event) => {
      const context = { actor: 'latchkey', requestId: newRequestId(random, clock.now()), now: clock.now() }
      await change(context, () => Promise.resolve({ ...done(undefined), event }))
    },
  })
  started.defer(() => audit.close())
  const digest = createDigest({ store: digestStore(db), uses: credentialUses(db), clock, logger })
  started.defer(() => digest.close())
  const strangers = denialBudget()
  // Apart from strangers, so that a flood from anywhere hides neither a client's own refusals nor the use of a secret that was known once.
  const knownCallers = denialBudget(knownCallerBudget)
  const recordSummaries = async () => {
    const counted = [strangers.summary(clock.now()), knownCallers.summary(clock.now())]
    const summaries = counted.filter((summary) => summary !== undefined)
    if (summaries.length > 0) await audit.append(summaries)
  }
  started.defer(() => recordSummaries().catch(() => undefined))
  const log: OutcomeLog = {
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
    },
  }
  every(started, 10_000, logger, recordSummaries)

  // Listeners: opened first, because with port 0 only then the issuer is known
  const proxies = config.trustedProxies.length === 0 ? undefined : proxyNetworks(config.trustedProxies)
  const shared = { findAddress: findAddress(proxies), maxBodyBytes: maxFormBytes, clock, random, logger }
  const { host: publicHost, port, adminHost, adminPort } = config
  const publicListener = await openListener({
    ...shared,
    name: 'public',
    host: publicHost,
    port,
    portSetting: '--port or LATCHKEY_PORT',
  })
  const drainPublic = once(() => publicListener.drain(drainMs))
  started.defer(drainPublic)
  const adminListener = await openListener({
    ...shared,
    name: 'admin',
    host: adminHost,
    port: adminPort,
    portSetting: '--admin-port or LATCHKEY_ADMIN_PORT',
  })
  started.defer(() => adminListener.drain(1000))

  // Tokens
  const issuer = config.issuer ?? originOf(config.host, publicListener.port)
  const guesses = guessLimit()
  const tokenIssuer = createTokenIssuer(issuer, keys, random)
  const tokenStatus = tokenStatusReads(db)
  const inspector = createTokenInspector(issuer, keys, tokenStatus, clock)
  const group = groupCommit(tokenIssuer, log, clock, () => guesses.retryAfterSeconds(clock.now()))
  const authentication = { clients, dataKeys, guesses, clock, log }
  const currentCatalogue = () => catalogue.current()
  const isSteady = steadiness(clock)
  every(started, hourMs, logger, async () => {
    if (isSteady()) await tokenStatus.removeExpired((clock.now() - revocationMarginMs) as EpochMs)
    else logger.warn('the clock was set: old revocations are kept until the next start')
  })

  // Administration
  const doctor = doctorReads(db)
  const services: AdminServices = {
    clock,
    random,
    version,
    issuer,
    tokenEndpoint: issuer + endpointPaths.token,
    startedAt: clock.now(),
    maker: { random, dataKeys, environment: config.environment },
    change,
    clients: clientReads(db),
    resourceServers: resourceServerReads(db),
    tokens: localTokens({
      load: (clientId) => clients.load(clientId),
      catalogue: currentCatalogue,
      issuer: tokenIssuer,
      inspector,
      change,
      clock,
    }),
    signingKeys: () => signingKeys.all,
    audit: {
      list: (query) => listAudit(audit.reader, query),
      verify: () => verifyAudit(audit.reader),
    },
    doctor: () =>
      serverFindings({
        config,
        issuer,
        keys,
        clock,
        auditProblem: () => audit.problem(),
        checkDatabase: () => doctor.check(),
        lastAuditTime: () => doctor.lastAuditTime(),
        expiringSecrets: () => doctor.expiringSecrets(clock.now(), (clock.now() + secretWarningMs) as EpochMs),
      }),
  }
  const socket = await openAdminSocket({
    app: createLocalAdminApp(services, logger),
    dataDirectory: directory.path,
    socketPath: config.adminSocket,
  })
  started.defer(() => socket.close())

  publicListener.serve(
    publicEndpoints(issuer, {
      token: tokenEndpoint({ ...authentication, catalogue: currentCatalogue, group }),
      introspection: introspectionEndpoint({ ...authentication, inspector, catalogue: currentCatalogue }),
      revocation: revocationEndpoint({ ...authentication, inspector, change }),
      jwks: publicDocument('application/jwk-set+json', jwksFreshness, () => keys().jwks),
      metadata: publicDocument(
        'application/json',
        metadataFreshness,
        memoize((known: Catalogue) => serverMetadata(issuer, known), currentCatalogue),
      ),
    }),
  )
  let isStopping = false
  adminListener.serve(
    new Map([
      ['/healthz', healthEndpoint],
      [
        '/readyz',
        readinessEndpoint([
          { name: 'server', check: () => Promise.resolve(isStopping ? 'stopping' : undefined) },
          { name: 'database', check: () => doctor.ping().then(() => undefined) },
          { name: 'audit', check: () => Promise.resolve(audit.problem()) },
        ]),
      ],
    ]),
  )

  const running = started.move()
  return {
    issuer,
    tokenEndpoint: services.tokenEndpoint,
    publicPort: publicListener.port,
    adminUrl: originOf(adminHost, adminListener.port),
    adminSocket: socket.path,
    services,
    async stop() {
      isStopping = true
      // Requests are let go before what they need is taken away; the stack does the rest in reverse.
      await drainPublic()
      await running.disposeAsync()
    },
  }
}

function masterKeySource(config: Config, isNew: boolean) {
  const { masterKey, dataDirectory } = config
  if (masterKey?.kind === 'value') return { ...masterKey, name: 'LATCHKEY_MASTER_KEY' }
  if (masterKey?.kind === 'file') return masterKey
  return { kind: 'development-file', path: path.join(dataDirectory, 'master.key'), fresh: isNew } as const
}
