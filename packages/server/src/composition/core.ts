import path from 'node:path'
import { openAudit, type Audit } from '../audit/log/open-audit.ts'
import { createDigest, type Digest } from '../audit/digest.ts'
import { chainRow } from '../audit/row-chain.ts'
import type { Change } from '../audit/change.ts'
import type { Config } from '../config/config.ts'
import { every } from '../kernel/background.ts'
import { describeError } from '../kernel/faults.ts'
import { newRequestId } from '../kernel/ids.ts'
import { done } from '../kernel/result.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import { liveKeyRing, type LiveKeyRing } from '../keys/live-key-ring.ts'
import { readMasterKey } from '../keys/master-key.ts'
import { openKeys } from '../keys/open-keys.ts'
import type { SigningKeyRing } from '../keys/signing-keys.ts'
import { cachedCatalogue, type CachedCatalogue } from '../store/cached/catalogue.ts'
import { cachedClients, type CachedClients } from '../store/cached/clients.ts'
import { openDataDirectory, refuseDevelopmentFile, type DataDirectory } from '../store/data-directory.ts'
import { lockDatabase } from '../store/database-lock.ts'
import { openStore, type Store } from '../store/open-store.ts'
import type { ChangeTransaction } from '../store/sql/change.ts'
import type { ChangeNotice } from '../store/sql/touched.ts'
import type { Surroundings } from './surroundings.ts'

/** An embedded database has one host by its nature: every log that it knows must be beside it, whatever the machine is called today. */
const embeddedHost = 'embedded'

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
}

/** Opens it, and lets `started` give it back. Throws a Fault when something is not as it must be. */
export async function openCore(
  config: Config,
  { clock, random, logger }: Surroundings,
  started: AsyncDisposableStack,
): Promise<Core> {
  // Storage and keys
  const isDevelopment = config.mode === 'dev'
  if (!isDevelopment) refuseDevelopmentFiles(config)
  const directory = openDataDirectory(config.dataDirectory, { development: isDevelopment })
  started.defer(() => directory.release())
  if (config.database.kind === 'sqlite' && path.dirname(config.database.path) !== directory.path) {
    const lock = lockDatabase(config.database.path)
    started.defer(() => {
      lock.release()
    })
  }
  const store = await openStore(config.database)
  started.defer(() => store.close())
  await (config.migrates ? store.migrate() : store.requireCurrentSchema())
  const masterKey = readMasterKey(masterKeySource(config, await store.keys.isNew()))
  const { dataKeys, signingKeys } = await openKeys(store.keys, masterKey, random, clock, config.signingAlgorithm)
  const keyRing = liveKeyRing(signingKeys, store.keys, dataKeys)
  every(started, 1000, logger, () => keyRing.catchUp())

  // Registry in memory
  const clients = cachedClients(store.clients)
  const catalogue = await cachedCatalogue(store.resourceServers)
  const sealer = { keyId: () => dataKeys.current('audit-mac'), chain: chainRow.bind(undefined, dataKeys) }
  const listeners: ((notice: ChangeNotice) => Promise<void>)[] = []
  const change = store.changes(sealer, async (notice) => {
    clients.invalidate(notice)
    await catalogue.invalidate(notice).catch((error: unknown) => {
      // The change stands. Clients are read anew, so only the reason of some refusals can be out of date until the next change.
      logger.error({ error: describeError(error) }, 'the catalogue could not be read')
    })
    if (notice.keys) {
      await keyRing.reload().catch((error: unknown) => {
        // What is in memory still verifies and is still published; it is read again each second.
        logger.error({ error: describeError(error) }, 'the signing keys could not be read')
      })
    }
    for (const listener of listeners) await listener(notice)
  })

  // Audit
  const audit = await openAudit({
    directory: path.join(directory.path, 'audit'),
    host: embeddedHost,
    dataKeys,
    checkpointKey: signingKeys.checkpoint,
    store: store.auditLogs,
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
  }
}

/** A master key or a database from a directory of `dev` is not for production. */
function refuseDevelopmentFiles({ masterKey, database }: Config): void {
  if (masterKey?.kind === 'file') refuseDevelopmentFile(masterKey.path, 'master key')
  if (database.kind === 'sqlite') refuseDevelopmentFile(database.path, 'database')
}

function masterKeySource(config: Config, isNew: boolean) {
  const { masterKey, dataDirectory } = config
  if (masterKey?.kind === 'value') return { ...masterKey, name: 'LATCHKEY_MASTER_KEY' }
  if (masterKey?.kind === 'file') return masterKey
  return { kind: 'development-file', path: path.join(dataDirectory, 'master.key'), fresh: isNew } as const
}
