import type { Kysely } from 'kysely'

/** The last event of a kind is asked for by name: when was a backup taken, which restores were there. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.createIndex('audit_rows_by_event').on('audit_rows').columns(['event', 'sequence']).execute()
}
