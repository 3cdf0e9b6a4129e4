import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { Kysely } from 'kysely'
import type { Backend, OpenedStore, StoreWiring } from './contract/backend.ts'
import { migrate } from './migrations/index.ts'
import { auditLogStore, digestStore } from './sql/audit.ts'
import { changeRunner } from './sql/change.ts'
import { clientReads, credentialUses } from './sql/clients.ts'
import { keyStore } from './sql/keys.ts'
import { resourceServerReads } from './sql/resource-servers.ts'
import { tokenStatusReads } from './sql/revocations.ts'
import type { Schema } from './sql/schema.ts'
import { openSqlite } from './sqlite.ts'

/** A migrated database without rows: copied, because migrating takes ten times as long. */
let migrated: Buffer | undefined

/** An embedded database in a directory of its own. */
export async function openSqliteBackend(): Promise<Backend & { readonly file: string }> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'latchkey-store-'))
  const file = path.join(directory, 'latchkey.db')
  if (migrated === undefined) {
    const db = openSqlite(file)
    await migrate(db)
    await db.destroy()
    migrated = await readFile(file)
  } else {
    await writeFile(file, migrated)
  }
  return {
    file,
    open: async (wiring) => {
      const db = openSqlite(file)
      await migrate(db)
      return openedStore(db, wiring)
    },
    remove: () => rm(directory, { recursive: true }),
  }
}

function openedStore(db: Kysely<Schema>, wiring: StoreWiring): OpenedStore {
  return {
    clients: clientReads(db),
    resourceServers: resourceServerReads(db),
    tokenStatus: tokenStatusReads(db),
    keys: keyStore(db),
    credentialUses: credentialUses(db),
    auditLogs: auditLogStore(db),
    digests: digestStore(db),
    change: changeRunner(db, wiring.sealer, wiring.announce),
    async revocationSequences() {
      const rows = await db.selectFrom('revocations').select('sequence').orderBy('sequence').execute()
      return rows.map((row) => row.sequence)
    },
    close: () => db.destroy(),
  }
}
