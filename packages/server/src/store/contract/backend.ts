import type { AuditLogStore, DigestStore } from '../../audit/ports.ts'
import type { Change } from '../../audit/change.ts'
import type { ClientReads, CredentialUses } from '../../clients/ports.ts'
import type { KeyStore } from '../../keys/open-keys.ts'
import type { ResourceServerReads } from '../../resource-servers/ports.ts'
import type { TokenStatusReads } from '../../tokens/ports.ts'
import type { ChangeTransaction, RowSealer } from '../sql/change.ts'
import type { ChangeNotice } from '../sql/touched.ts'

/** One handle on a database, as `compose.ts` would wire it. */
export interface OpenedStore {
  readonly clients: ClientReads
  readonly resourceServers: ResourceServerReads
  readonly tokenStatus: TokenStatusReads
  readonly keys: KeyStore
  readonly credentialUses: CredentialUses
  readonly auditLogs: AuditLogStore
  readonly digests: DigestStore
  readonly change: Change<ChangeTransaction>
  /** The sequences of the revocation entries in the database, ascending: no port reads them yet. */
  revocationSequences(): Promise<number[]>
  close(): Promise<void>
}

/** What the suite puts around a store. */
export interface StoreWiring {
  readonly sealer: RowSealer
  readonly announce: (notice: ChangeNotice) => Promise<void>
}

/** An empty, migrated database of its own for one test. */
export interface Backend {
  /** Opens one more handle, as another process would; after `close`, what was committed is still there. */
  open(wiring: StoreWiring): Promise<OpenedStore>
  /** Removes the database. Every handle has been closed. */
  remove(): Promise<void>
}

export type OpenBackend = () => Promise<Backend>
