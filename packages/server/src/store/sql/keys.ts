import type { EpochMs } from '@latchkey/protocol'
import type { Kysely } from 'kysely'
import type { DataKeyPurpose } from '../../keys/data-keys.ts'
import type { KeyStore } from '../../keys/open-keys.ts'
import type { SealedSigningKey } from '../../keys/signing-keys.ts'
import type { Schema } from './schema.ts'

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
    async loadDataKeys() {
      const rows = await db.selectFrom('data_keys').selectAll().execute()
      return rows.map((row) => ({
        id: row.id,
        purpose: row.purpose as DataKeyPurpose,
        sealed: row.sealed,
        createdAt: row.created_at as EpochMs,
      }))
    },
    async loadSigningKeys() {
      const rows = await db.selectFrom('signing_keys').selectAll().orderBy('created_at').orderBy('kid').execute()
      return rows.map((row) => ({
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
      }))
    },
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
        await tx
          .insertInto('signing_keys')
          .values(
            signingKeys.map((key) => ({
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
            })),
          )
          .execute()
        return true
      }),
  }
}
