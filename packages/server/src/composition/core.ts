import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import type { EpochMs } from '@latchkey/protocol'
import { openAudit, type Audit } from '../audit/log/open-audit.ts'
import { createDigest, type Digest } from '../audit/digest.ts'
import { chainRow } from '../audit/row-chain.ts'
import type { Change } from '../audit/change.ts'
import type { Config } from '../config/config.ts'
import { every } from '../kernel/background.ts'
import { describeError, Fault } from '../kernel/faults.ts'
import { newRequestId } from '../kernel/ids.ts'
import { done } from '../kernel/result.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import { liveKeyRing, type LiveKeyRing } from '../keys/live-key-ring.ts'
import { openKeys } from '../keys/open-keys.ts'
import { settleMasterKey } from '../keys/rotate-master-key.ts'
import type { SigningKeyRing } from '../keys/signing-keys.ts'
import { cachedCatalogue, type CachedCatalogue } from '../store/cached/catalogue.ts'
import { contact } from '../store/cached/contact.ts'
import { cachedClients, type CachedClients } from '../store/cached/clients.ts'
import { openDataDirectory, refuseDevelopmentFile, type DataDirectory } from '../store/data-directory.ts'
import { lockDatabase } from '../store/database-lock.ts'
import { openStore, type Store } from '../store/open-store.ts'
import type { ChangeTransaction } from '../store/sql/change.ts'
import type { ChangeNotice } from '../store/sql/touched.ts'
import { auditPart } from './audit-part.ts'
import { masterKeySource } from './master-key-source.ts'
import type { Observation } from './observation.ts'
import type { Surroundings } from './surroundings.ts'

/** What every part of a server stands on: storage, keys, the registry in memory, the audit log. */
export interface Core {
  readonly directory: DataDirectory
  readonly store: Store
  readonly dataKeys: DataKeys
  readonly keys: () => SigningKeyRing
  readonly keyRing: LiveKeyRing
  readonly clients: CachedClients
  readonly catalogue: CachedCatalogue
  readonly change: Change<ChangeTransaction>
  readonly audit: Audit
  readonly digest: Digest
  /** Called with everything that was committed, here or elsewhere, once clients and catalogue in memory are as new as that. */
  onChange(listener: (notice: ChangeNotice) => Promise<void>): void
  /** Called several times a second while the database is reached, with the moment up to which every change was announced. */
  onContact(listener: (asOf: EpochMs) => void): void
  /** Begins to announce what was committed since the core was opened: once, when everything that listens is there. */
  follow(): void
}

/** Opens it, and lets `started` give it back; for the worker in a slot, or for a whole server. Throws a Fault when something is not as it must be. */
export async function openCore(
  config: Config,
  { clock, random, logger }: Surroundings,
  started: AsyncDisposableStack,
  { metrics }: Pick<Observation, 'metrics'>,
  slot?: number,
): Promise<Core> {
  // Storage and keys
  const isDevelopment = config.mode === 'dev'
  if (!isDevelopment) refuseDevelopmentFiles(config)
  // A worker stands on the directory that the process above it has locked; its own lock keeps two from having one slot.
  const directory =
    slot === undefined
      ? openDataDirectory(config.dataDirectory, { development: isDevelopment })
      : { path: config.dataDirectory, ...lockDatabase(path.join(config.dataDirectory, `worker-${slot}`)) }
  started.defer(() => directory.release())
  if (config.database.kind === 'sqlite' && path.dirname(config.database.path) !== directory.path) {
    const lock = lockDatabase(config.database.path)
    started.defer(() => {
      lock.release()
    })
  }
  const store = await openStore(config.database)
  started.defer(() => store.close())
  await (config.migrates && slot === undefined ? store.migrate() : store.requireCurrentSchema())
  const feed = await store.changeFeed(clock, logger)
  started.defer(() => feed.close())
  const isNew = await store.keys.isNew()
  if (isNew && !isDevelopment) refuseEmptyDatabase(config)
  const source = masterKeySource(config, isNew)
  const { key: masterKey, finishedRotation } = settleMasterKey(source, await store.keys.loadDataKeys(), clock.now())
  if (finishedRotation) logger.info('the rotation of the master key that was cut off is finished')
  const { dataKeys, signingKeys } = await openKeys(store.keys, masterKey, random, clock, config.signingAlgorithm)
  const keyRing = liveKeyRing(signingKeys, store.keys, dataKeys)
  every(started, 1000, logger, () => keyRing.catchUp())

  // Registry in memory
  const databaseContact = contact(clock)
  const clients = cachedClients(store.clients, databaseContact)
  const catalogue = await cachedCatalogue(store.resourceServers)
  const sealer = { keyId: () => dataKeys.current('audit-mac'), chain: chainRow.bind(undefined, dataKeys) }
  const change = store.changes(sealer, feed.announce)
  const listeners: ((notice: ChangeNotice) => Promise<void>)[] = []
  const contactListeners = [(asOf: EpochMs) => databaseContact.confirm(asOf)]
  const onChange = async (notice: ChangeNotice) => {
    clients.invalidate(notice)
    // When it cannot be read, the feed tries again.
    await catalogue.invalidate(notice)
    if (notice.keys) {
      await keyRing.reload().catch((error: unknown) => {
        // What is in memory still verifies and is still published; it is read again each second.
        logger.error({ error: describeError(error) }, 'the signing keys could not be read')
      })
    }
    for (const listener of listeners) await listener(notice)
  }
  const onContact = (asOf: EpochMs) => {
    for (const listener of contactListeners) listener(asOf)
  }

  // Audit
  const auditDirectory = path.join(directory.path, 'audit')
  const audit = await openAudit({
    directory: auditDirectory,
    ...auditPart(config, auditDirectory, slot),
    dataKeys,
    checkpointKey: signingKeys.checkpoint,
    store: store.auditLogs,
    sync: config.auditSync,
    clock,
    random,
    logger,
    timings: { written: metrics.auditWritten, synced: metrics.auditSynced },
    record: async (event) => {
      const context = { actor: 'latchkey', requestId: newRequestId(random, clock.now()), now: clock.now() }
      await change(context, () => Promise.resolve({ ...done(undefined), event }))
    },
  })
  started.defer(() => audit.close())
  const digest = createDigest({ store: store.digests, uses: store.credentialUses, clock, logger })
  started.defer(() => digest.close())

  return {
    directory,
    store,
    dataKeys,
    keys: () => keyRing.current(),
    keyRing,
    clients,
    catalogue,
    change,
    audit,
    digest,
    onChange: (listener) => void listeners.push(listener),
    onContact: (listener) => void contactListeners.push(listener),
    follow: () => feed.start({ onChange, onContact }),
  }
}

/** A database without keys is a new installation, unless one was recorded here already: then the database is lost, or it is not the one that was meant. */
function refuseEmptyDatabase({ dataDirectory }: Config): void {
  const directory = path.join(dataDirectory, 'audit')
  if (!existsSync(directory) || !readdirSync(directory, { withFileTypes: true }).some((entry) => entry.isDirectory()))
    return
  throw new Fault(
    'keys.missing',
    `the database is empty, and ${dataDirectory} has the audit logs of an installation that is not`,
    'correct the database URL, restore a backup, or give a new installation a data directory of its own',
  )
}

/** A master key or a database from a directory of `dev` is not for production. */
function refuseDevelopmentFiles({ masterKey, database }: Config): void {
  if (masterKey?.kind === 'file') refuseDevelopmentFile(masterKey.path, 'master key')
  if (database.kind === 'sqlite') refuseDevelopmentFile(database.path, 'database')
}
