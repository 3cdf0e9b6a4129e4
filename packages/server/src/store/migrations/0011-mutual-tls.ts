import type { Kysely } from 'kysely'

/** How a client proves who it is, and keys of certificates that it made itself. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('clients')
    .addColumn('authentication', 'text', (c) => c.notNull().defaultTo('secret'))
    .execute()
  await db.schema
    .createTable('registered_keys')
    .addColumn('credential_id', 'text', (c) => c.primaryKey().references('credentials.id').onDelete('cascade'))
    .addColumn('public_key', 'text', (c) => c.notNull())
    .execute()
}
