import { existsSync } from 'node:fs'
import path from 'node:path'
import type { StorageConfig } from '../config/production-config.ts'
import { openDataDirectory } from '../store/data-directory.ts'
import { lockDatabase } from '../store/database-lock.ts'
import { allMigrations } from '../store/migrations/index.ts'
import { openStore } from '../store/open-store.ts'

/**
 * Brings a database up to date, making it if it is not there. Answers the names of the migrations that were to be done. Throws Fault
 * `schema.newer`, `data_directory.locked` while a server runs on an embedded one, and what opening it throws.
 */
export async function migrateDatabase(storage: StorageConfig): Promise<readonly string[]> {
  await using opened = await lockAndOpen(storage)
  const pending = await opened.store.pendingMigrations()
  await opened.store.migrate()
  return pending
}

/** What {@link migrateDatabase} would do; changes nothing. */
export async function pendingMigrations(storage: StorageConfig): Promise<readonly string[]> {
  const { database } = storage
  // Opening it would make it.
  if (database.kind === 'sqlite' && !existsSync(database.path)) return allMigrations
  await using opened = await lockAndOpen(storage)
  return await opened.store.pendingMigrations()
}

async function lockAndOpen({ dataDirectory, database }: StorageConfig) {
  await using stack = new AsyncDisposableStack()
  if (database.kind === 'sqlite') {
    if (dataDirectory !== undefined) {
      const directory = openDataDirectory(dataDirectory, { development: false })
      stack.defer(() => directory.release())
    }
    if (dataDirectory === undefined || path.dirname(database.path) !== dataDirectory) {
      const lock = lockDatabase(database.path)
      stack.defer(() => lock.release())
    }
  }
  const store = await openStore(database)
  stack.defer(() => store.close())
  const held = stack.move()
  return { store, [Symbol.asyncDispose]: () => held.disposeAsync() }
}
