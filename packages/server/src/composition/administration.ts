import { endpointPaths, type EpochMs } from '@latchkey/protocol'
import type { RequestDesk } from '../access-requests/desk.ts'
import type { AdminServices } from '../admin-api/services.ts'
import { localTokens } from '../admin-api/tokens/local-tokens.ts'
import { listAudit } from '../audit/list/list.ts'
import { verifyAudit } from '../audit/verify/verify.ts'
import { takeBackup } from '../backup/take-backup.ts'
import type { Config } from '../config/config.ts'
import { serverFindings } from '../doctor/server-findings.ts'
import type { DoctorSubject } from '../doctor/subject.ts'
import { steadiness } from '../kernel/elapsed.ts'
import type { KeyAdministration } from '../keys/key-administration.ts'
import type { Notifier } from '../notices/notifier.ts'
import type { Core } from './core.ts'
import type { Surroundings } from './surroundings.ts'
import type { TokenServices } from './token-services.ts'

/** The doctor speaks of secrets that end within this time. */
const secretWarningMs = 30 * 86_400_000

/** What the doctor asks of the listeners and the socket. */
export type DoctorFacts = Pick<DoctorSubject, 'certificate' | 'mtlsCertificate' | 'ignoredForwarding' | 'socketPath'>

/** Everything that the admin API stands on. */
export function adminServices(
  core: Core,
  config: Config,
  issuer: string,
  tokens: TokenServices,
  keyAdministrator: KeyAdministration,
  facts: DoctorFacts,
  notifier: Notifier,
  requests: RequestDesk,
  { clock, random, version }: Surroundings,
): AdminServices {
  const { store, clients, catalogue, change, audit, keys, dataKeys } = core
  const { doctor } = store
  const isSteady = steadiness(clock)
  return {
    clock,
    random,
    version,
    issuer,
    tokenEndpoint: issuer + endpointPaths.token,
    startedAt: clock.now(),
    maker: { random, dataKeys, environment: config.environment },
    change,
    clients: store.clients,
    links: store.links,
    certificates: store.certificates,
    notifier,
    requests,
    resourceServers: store.resourceServers,
    tokens: localTokens({
      load: (clientId) => clients.load(clientId),
      catalogue: () => catalogue.current(),
      issuer: tokens.issuer,
      inspector: tokens.inspector,
      change,
      clock,
    }),
    keys: keyAdministrator,
    audit: {
      list: (query) => listAudit(audit.reader, query),
      verify: () => verifyAudit(audit.reader),
    },
    takeBackup: (context) => takeBackup({ source: store.backup, dataKeys, clock, issuer, version }, change, context),
    doctor: () =>
      serverFindings({
        config,
        issuer,
        clock,
        isSteady,
        keys,
        keyRules: keyAdministrator.rules,
        auditProblem: () => audit.problem(),
        auditLogs: () => store.auditLogs.logs(),
        isOwnLog: (host) => audit.reader.isHere(host),
        ...facts,
        async authority() {
          const signing = await store.certificates.authority()
          return signing && { notAfter: signing.notAfter, isOurs: (await store.certificates.root()) !== undefined }
        },
        database: {
          ...doctor,
          expiringSecrets: () => doctor.expiringSecrets(clock.now(), (clock.now() + secretWarningMs) as EpochMs),
          noticeCounts: () => store.outbox.counts(clock.now()),
          pendingMigrations: () => store.pendingMigrations(),
        },
      }),
  }
}
