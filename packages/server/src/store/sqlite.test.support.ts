import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type { Backend } from './contract/backend.ts'
import { migrate } from './migrations/index.ts'
import { openStore } from './open-store.ts'
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
    isShared: false,
    open: async (wiring) => {
      const store = await openStore({ kind: 'sqlite', path: file })
      await store.migrate()
      return { ...store, change: store.changes(wiring.sealer, wiring.announce) }
    },
    remove: () => rm(directory, { recursive: true }),
  }
}
