import type { Kysely } from 'kysely'

/** When a signing key was revoked. States of rows are authenticated from now on: `openKeys` seals older rows anew, since no migration has the keys. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('signing_keys').addColumn('revoked_at', 'bigint').execute()
}
