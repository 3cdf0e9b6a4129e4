import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { Migrator, type Migration } from 'kysely/migration'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemRandom } from '../kernel/random.ts'
import { createDataKey, dataKeyPurposes, openDataKeys } from '../keys/data-keys.ts'
import { migrations } from '../store/migrations/index.ts'
import { openStore } from '../store/open-store.ts'
import { openSqlite } from '../store/sqlite.ts'
import { testClock } from '../testing/start-test-server.ts'
import { makeIntermediate, makeRoot } from './make-authority.ts'
import { openAuthority } from './sealed-authority.ts'

const clock = testClock()
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'latchkey-upgrade-'))
})
afterEach(() => rm(directory, { recursive: true }))

test('the authority of a database before authorities could be replaced: it signs on, and is where its certificates say', async () => {
  const file = path.join(directory, 'latchkey.db')
  const db = openSqlite(file)
  const before = Object.entries(migrations).filter(([name]): boolean => name < '0013')
  const only: Record<string, Migration> = Object.fromEntries(before)
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(only) } })
  expect((await migrator.migrateToLatest()).error).toBeUndefined()
  const now = clock.now()
  const masterKey = randomBytes(32)
  const rows = dataKeyPurposes.map((purpose) => createDataKey(masterKey, purpose, systemRandom(), now))
  const dataKeys = openDataKeys(masterKey, rows)
  const maker = { random: systemRandom(), dataKeys, host: 'auth.example.com' }
  const root = await makeRoot(maker, now)
  const intermediate = await makeIntermediate(maker, root, 'clients', now)
  for (const { id, kind, certificate, sealedPrivateKey, dataKeyId, createdAt, notAfter } of [intermediate, root]) {
    const row = { id, kind, certificate, created_at: createdAt, not_after: notAfter }
    await db
      .insertInto('certificate_authorities')
      .values({ ...row, sealed_private_key: sealedPrivateKey, data_key_id: dataKeyId } as never)
      .execute()
  }
  await db.destroy()
  const store = await openStore({ kind: 'sqlite', path: file })
  try {
    await store.migrate()
    expect(await store.certificates.authorities()).toEqual([intermediate])
    expect(await store.certificates.authority()).toEqual(intermediate)
    expect(await store.certificates.root()).toEqual(root)
    await openAuthority(dataKeys, root)
    await openAuthority(dataKeys, intermediate)
  } finally {
    await store.close()
  }
})
