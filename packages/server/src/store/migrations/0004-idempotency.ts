import type { Kysely } from 'kysely'

/** Answers to creates, kept for a day under the digest of the caller's idempotency key and sealed under the key itself. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('idempotent_answers')
    .addColumn('digest', 'text', (c) => c.primaryKey())
    .addColumn('sealed', 'text', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .execute()
  await db.schema.createIndex('idempotent_answers_by_end').on('idempotent_answers').column('expires_at').execute()
}
