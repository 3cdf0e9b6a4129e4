import type { Kysely } from 'kysely'

/** Names in certificates of foreign authorities, each with the anchor that it counts under. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('registered_subjects')
    .addColumn('credential_id', 'text', (c) => c.primaryKey().references('credentials.id').onDelete('cascade'))
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('subject', 'text', (c) => c.notNull())
    .addColumn('anchor', 'text', (c) => c.notNull())
    .execute()
}
