import type { EpochMs } from '@latchkey/protocol'
import type { Insertable, Kysely, Selectable } from 'kysely'
import type { DataKeyPurpose, SealedDataKey } from '../../keys/data-keys.ts'
import type { DataKeyWrites, KeyStore, SigningKeyWrites } from '../../keys/ports.ts'
import type { SealedSigningKey } from '../../keys/sealed-signing-key.ts'
import type { Schema } from './schema.ts'
import type { Touched } from './touched.ts'

export function keyStore(db: Kysely<Schema>): KeyStore {
  return {
    async isNew() {
      const installed = await db
        .selectFrom('sequences')
        .select('name')
        .where('name', '=', 'installed')
        .executeTakeFirst()
      return installed === undefined
    },
    loadDataKeys: () => loadDataKeys(db),
    loadSigningKeys: () => loadSigningKeys(db),
    installFirstKeys: (dataKeys, signingKeys) =>
      db.transaction().execute(async (tx) => {
        // The row outlives the keys: a database that lost them is not taken for a new one.
        const installed = await tx
          .insertInto('sequences')
          .values({ name: 'installed', value: 1 })
          .onConflict((conflict) => conflict.doNothing())
          .returning('name')
          .executeTakeFirst()
        if (installed === undefined) return false
        await tx
          .insertInto('data_keys')
          .values(
            dataKeys.map(({ id, purpose, sealed, createdAt }) => ({ id, purpose, sealed, created_at: createdAt })),
          )
          .execute()
        await tx.insertInto('signing_keys').values(signingKeys.map(toRow)).execute()
        return true
      }),
    async resealSigningKey(before, after) {
      await db
        .updateTable('signing_keys')
        .set(toRow(after))
        .where('kid', '=', before.kid)
        .where('sealed_private_key', '=', before.sealedPrivateKey)
        .execute()
    },
  }
}

export function signingKeyWrites(tx: Kysely<Schema>, touched: Touched): SigningKeyWrites {
  return {
    all: () => loadSigningKeys(tx),
    async insert(key) {
      touched.keys()
      await tx.insertInto('signing_keys').values(toRow(key)).execute()
    },
    async update(key) {
      touched.keys()
      await tx.updateTable('signing_keys').set(toRow(key)).where('kid', '=', key.kid).execute()
    },
    async remove(kid) {
      touched.keys()
      await tx.deleteFrom('signing_keys').where('kid', '=', kid).execute()
    },
  }
}

export function dataKeyWrites(tx: Kysely<Schema>): DataKeyWrites {
  return {
    all: () => loadDataKeys(tx),
    async rewrap(keys) {
      for (const { id, sealed } of keys) {
        await tx.updateTable('data_keys').set({ sealed }).where('id', '=', id).execute()
      }
    },
  }
}

async function loadDataKeys(db: Kysely<Schema>): Promise<SealedDataKey[]> {
  const rows = await db.selectFrom('data_keys').selectAll().execute()
  return rows.map((row) => ({
    id: row.id,
    purpose: row.purpose as DataKeyPurpose,
    sealed: row.sealed,
    createdAt: row.created_at as EpochMs,
  }))
}

async function loadSigningKeys(db: Kysely<Schema>): Promise<SealedSigningKey[]> {
  const rows = await db.selectFrom('signing_keys').selectAll().orderBy('created_at').orderBy('kid').execute()
  return rows.map(fromRow)
}

function toRow(key: SealedSigningKey): Insertable<Schema['signing_keys']> {
  return {
    kid: key.kid,
    purpose: key.purpose,
    algorithm: key.algorithm,
    state: key.state,
    public_jwk: key.publicJwk,
    sealed_private_key: key.sealedPrivateKey,
    data_key_id: key.dataKeyId,
    created_at: key.createdAt,
    activated_at: key.activatedAt ?? null,
    retired_at: key.retiredAt ?? null,
    revoked_at: key.revokedAt ?? null,
  }
}

function fromRow(row: Selectable<Schema['signing_keys']>): SealedSigningKey {
  return {
    kid: row.kid,
    purpose: row.purpose as SealedSigningKey['purpose'],
    algorithm: row.algorithm as SealedSigningKey['algorithm'],
    state: row.state as SealedSigningKey['state'],
    publicJwk: row.public_jwk,
    sealedPrivateKey: row.sealed_private_key,
    dataKeyId: row.data_key_id,
    createdAt: row.created_at as EpochMs,
    activatedAt: (row.activated_at ?? undefined) as EpochMs | undefined,
    retiredAt: (row.retired_at ?? undefined) as EpochMs | undefined,
    revokedAt: (row.revoked_at ?? undefined) as EpochMs | undefined,
  }
}
