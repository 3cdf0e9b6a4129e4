import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { calculateJwkThumbprint } from 'jose'
import { Migrator } from 'kysely/migration'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemRandom } from '../kernel/random.ts'
import { migrations } from '../store/migrations/index.ts'
import { openStore } from '../store/open-store.ts'
import { openSqlite } from '../store/sqlite.ts'
import { testClock } from '../testing/start-test-server.ts'
import { createDataKey, dataKeyPurposes, openDataKeys } from './data-keys.ts'
import { openKeys } from './open-keys.ts'
import { seal } from './sealing.ts'

const masterKey = randomBytes(32)
const clock = testClock()

let directory: string
let file: string

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'latchkey-upgrade-'))
  file = path.join(directory, 'latchkey.db')
})
afterEach(() => rm(directory, { recursive: true }))

/** A database as the first version left it: its only migration, its rows. Answers the kids by purpose and state. */
async function firstVersion(): Promise<Record<string, string>> {
  const db = openSqlite(file)
  const only = { '0001-registry': migrations['0001-registry'] ?? { up: () => Promise.reject(new Error('gone')) } }
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(only) } })
  expect((await migrator.migrateToLatest()).error).toBeUndefined()
  const now = clock.now()
  const rows = dataKeyPurposes.map((purpose) => createDataKey(masterKey, purpose, systemRandom(), now))
  const dataKeys = openDataKeys(masterKey, rows)
  await db.insertInto('sequences').values({ name: 'installed', value: 1 }).execute()
  await db
    .insertInto('data_keys')
    .values(rows.map(({ id, purpose, sealed, createdAt }) => ({ id, purpose, sealed, created_at: createdAt })))
    .execute()
  const kids: Record<string, string> = {}
  for (const [purpose, state] of [
    ['token', 'active'],
    ['token', 'standby'],
    ['audit-checkpoint', 'active'],
  ] as const) {
    const { privateKey } =
      purpose === 'token' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519')
    const jwk = createPublicKey(privateKey).export({ format: 'jwk' })
    const kid = await calculateJwkThumbprint(jwk)
    const id = dataKeys.current('sealing')
    const row = {
      kid,
      purpose,
      algorithm: purpose === 'token' ? 'ES256' : 'Ed25519',
      state,
      public_jwk: JSON.stringify(jwk),
      sealed_private_key: seal(
        dataKeys.sealingKey(id),
        'signing-key',
        kid,
        privateKey.export({ format: 'der', type: 'pkcs8' }),
      ),
      data_key_id: id,
      created_at: now,
      activated_at: state === 'active' ? now : null,
      retired_at: null,
    }
    await db.insertInto('signing_keys').values(row).execute()
    kids[`${purpose} ${state}`] = kid
  }
  await db.destroy()
  return kids
}

test('the keys of a database that 0001 made keep working, and their states are authenticated from then on', async () => {
  const kids = await firstVersion()
  const store = await openStore({ kind: 'sqlite', path: file })
  try {
    await store.migrate()
    const { signingKeys } = await openKeys(store.keys, masterKey, systemRandom(), clock)
    expect(signingKeys.active.kid).toBe(kids['token active'])
    expect(signingKeys.checkpoint.kid).toBe(kids['audit-checkpoint active'])
    expect(new Set(signingKeys.accepted.keys())).toEqual(new Set([kids['token active'], kids['token standby']]))
    const rows = await store.keys.loadSigningKeys()
    const again = await openKeys(store.keys, masterKey, systemRandom(), clock)
    expect(again.signingKeys.jwks).toEqual(signingKeys.jwks)
    expect(await store.keys.loadSigningKeys()).toEqual(rows)
  } finally {
    await store.close()
  }
  const db = openSqlite(file)
  await db
    .updateTable('signing_keys')
    .set({ state: 'revoked' })
    .where('kid', '=', kids['token standby'] ?? '')
    .execute()
  await db.destroy()
  const reopened = await openStore({ kind: 'sqlite', path: file })
  await expect(openKeys(reopened.keys, masterKey, systemRandom(), clock)).rejects.toMatchObject({
    code: 'keys.altered',
  })
  await reopened.close()
})
