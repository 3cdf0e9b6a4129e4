import type { Kysely } from 'kysely'

/** Where clients may call from. A policy that was lifted keeps its row, without rules: tokens name it. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('network_policies')
    .addColumn('client_id', 'text', (c) => c.primaryKey().references('clients.client_id').onDelete('cascade'))
    .addColumn('id', 'text', (c) => c.notNull().unique())
    .addColumn('version', 'bigint', (c) => c.notNull())
    // Mode, addresses and coverage as JSON: only ever read and written whole.
    .addColumn('rules', 'text')
    // When the team was last told that the client came from elsewhere.
    .addColumn('alerted_at', 'bigint')
    .execute()
}
