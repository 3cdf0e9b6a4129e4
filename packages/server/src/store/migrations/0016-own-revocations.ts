import type { Kysely } from 'kysely'

/** Whose own doing a revocation is, so that one client's can be counted. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('revocations').addColumn('revoked_by', 'text').execute()
  await db.schema
    .createIndex('revocations_revoked_by')
    .on('revocations')
    .columns(['revoked_by', 'expires_at'])
    .execute()
}
