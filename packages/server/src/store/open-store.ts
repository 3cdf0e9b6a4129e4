import type { Kysely } from 'kysely'
import type { Change } from '../audit/change.ts'
import type { AuditLogStore, DigestStore } from '../audit/ports.ts'
import type { BackupSource, RestoreTarget } from '../backup/ports.ts'
import type { CertificateReads } from '../certificate-authority/ports.ts'
import type { ClientReads, CredentialUses } from '../clients/ports.ts'
import type { DatabaseLocation } from '../config/config.ts'
import type { Intake, RequestReads } from '../access-requests/ports.ts'
import type { LinkReads, PresenceBook } from '../delivery-links/ports.ts'
import type { EndingBook, EndingReads } from '../endings/ports.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/log.ts'
import type { KeyStore } from '../keys/ports.ts'
import type { NetworkPolicyReads } from '../network-policy/ports.ts'
import type { Outbox } from '../notices/ports.ts'
import type { ResourceServerReads } from '../resource-servers/ports.ts'
import type { RevocationReads, TokenStatusReads } from '../tokens/ports.ts'
import { openChangeFeed, type ChangeFeed, type FeedSource, type Listen } from './change-feed.ts'
import { migrate, pendingMigrations, requireCurrentSchema } from './migrations/index.ts'
import { postgresRestore, postgresSnapshots } from './postgres-snapshot.ts'
import { listenOn } from './postgres/listen.ts'
import { openPostgres, wakeChannel } from './postgres.ts'
import { auditLogStore, digestStore } from './sql/audit.ts'
import { backupSource, type SnapshotDialect } from './sql/backup.ts'
import { changeNoticeReads } from './sql/change-notices.ts'
import { changeRunner, type Announce, type ChangeTransaction, type RowSealer } from './sql/change.ts'
import { certificateReads } from './sql/certificates.ts'
import { clientReads, credentialUses } from './sql/clients.ts'
import { intake, requestReads } from './sql/access-requests.ts'
import { linkReads, presenceBook } from './sql/delivery-links.ts'
import { endingBook, endingReads } from './sql/endings.ts'
import { doctorReads, type DoctorReads } from './sql/doctor.ts'
import { keyStore } from './sql/keys.ts'
import { networkPolicyReads } from './sql/network-policies.ts'
import { outbox } from './sql/notices.ts'
import { resourceServerReads } from './sql/resource-servers.ts'
import { restoreTarget, type RestoreDialect } from './sql/restore.ts'
import { revocationReads, tokenStatusReads } from './sql/revocations.ts'
import type { Schema } from './sql/schema.ts'
import { sqliteSnapshots } from './sqlite-snapshot.ts'
import { openSqlite } from './sqlite.ts'

/** One handle on a database: every room's port on it. Its methods throw Fault `store.unavailable` when the database does not do its work. */
export interface Store {
  readonly clients: ClientReads
  readonly resourceServers: ResourceServerReads
  readonly tokenStatus: TokenStatusReads
  readonly revocations: RevocationReads
  readonly keys: KeyStore
  readonly credentialUses: CredentialUses
  readonly auditLogs: AuditLogStore
  readonly digests: DigestStore
  readonly outbox: Outbox
  readonly links: LinkReads
  readonly presence: PresenceBook
  readonly requests: RequestReads
  readonly intake: Intake
  readonly certificates: CertificateReads
  readonly endings: EndingReads
  readonly endingBook: EndingBook
  readonly networkPolicies: NetworkPolicyReads
  readonly doctor: DoctorReads
  readonly backup: BackupSource
  readonly restore: RestoreTarget
  /** What runs changes, once the keys that seal audit rows are known. */
  changes(sealer: RowSealer, announce: Announce): Change<ChangeTransaction>
  /**
   * Follows what any process changes; its `announce` goes to {@link changes}. Opened before anything is read into memory, started after it,
   * closed before the store. Throws Fault `store.unavailable`.
   */
  changeFeed(clock: Clock, logger: Logger): Promise<ChangeFeed>
  /** Brings the schema up to date. Throws Fault `schema.newer`, `store.corrupt`. */
  migrate(): Promise<void>
  /** For a server that is told not to migrate. Throws Fault `schema.older`, `schema.newer`. */
  requireCurrentSchema(): Promise<void>
  /** Names of the migrations that `migrate` would run, in order. Throws Fault `schema.newer`. */
  pendingMigrations(): Promise<string[]>
  close(): Promise<void>
}

export interface StoreOptions {
  /** Whether the change feed listens for NOTIFY besides polling; without, others' changes come up to a quarter of a second later. True by default. */
  readonly listens?: boolean
}

/**
 * Opens the database at `location`; does not migrate it. Does not lock an embedded one against other processes either: see `lockDatabase`.
 * Throws Fault `config.invalid`, `store.unavailable`, `store.corrupt`.
 */
export async function openStore(location: DatabaseLocation, options: StoreOptions = {}): Promise<Store> {
  if (location.kind === 'sqlite') {
    return storeOn(openSqlite(location.path), embedded(location.path))
  }
  const { db, settings } = await openPostgres(location.url, location.connections)
  return storeOn(db, {
    snapshots: postgresSnapshots(settings),
    restore: postgresRestore(settings),
    pollMs: 250,
    listen: options.listens === false ? hearNothing : listenOn(settings, wakeChannel),
  })
}

/** Nobody else writes: the feed looks only to find out whether the file can still be read. */
function embedded(path: string): Beside {
  return {
    snapshots: sqliteSnapshots(path),
    restore: { others: () => Promise.resolve([]) },
    pollMs: 1000,
    listen: hearNothing,
  }
}

const hearNothing: Listen = () => () => Promise.resolve()

/** What goes on beside the connection that everything shares. */
interface Beside extends Omit<FeedSource, 'reads'> {
  readonly snapshots: SnapshotDialect
  readonly restore: RestoreDialect
}

function storeOn(db: Kysely<Schema>, { snapshots, restore, pollMs, listen }: Beside): Store {
  return {
    clients: clientReads(db),
    resourceServers: resourceServerReads(db),
    tokenStatus: tokenStatusReads(db),
    revocations: revocationReads(db),
    keys: keyStore(db),
    credentialUses: credentialUses(db),
    auditLogs: auditLogStore(db),
    digests: digestStore(db),
    outbox: outbox(db),
    links: linkReads(db),
    presence: presenceBook(db),
    requests: requestReads(db),
    intake: intake(db),
    certificates: certificateReads(db),
    endings: endingReads(db),
    endingBook: endingBook(db),
    networkPolicies: networkPolicyReads(db),
    doctor: doctorReads(db),
    backup: backupSource(snapshots),
    restore: restoreTarget(db, restore),
    changes: (sealer, announce) => changeRunner(db, sealer, announce),
    changeFeed: (clock, logger) => openChangeFeed({ reads: changeNoticeReads(db), pollMs, listen }, clock, logger),
    migrate: () => migrate(db),
    requireCurrentSchema: () => requireCurrentSchema(db),
    pendingMigrations: () => pendingMigrations(db),
    close: () => db.destroy(),
  }
}
