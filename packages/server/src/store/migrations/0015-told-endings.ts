import type { Kysely } from 'kysely'

/** Ends that people were told of, and finding what ends soon. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('told_endings')
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('subject', 'text', (c) => c.notNull())
    .addColumn('ends_at', 'bigint', (c) => c.notNull())
    .addColumn('threshold', 'integer', (c) => c.notNull())
    .addPrimaryKeyConstraint('told_endings_key', ['kind', 'subject', 'ends_at', 'threshold'])
    .execute()
  await db.schema.createIndex('credentials_by_end').on('credentials').column('expires_at').execute()
  await db.schema.createIndex('client_scopes_by_end').on('client_scopes').column('ends_at').execute()
}
