import type { Kysely } from 'kysely'

/** Links by which credentials reach their owners, and which processes have reported the uses of credentials. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('delivery_links')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('client_id', 'text', (c) => c.notNull().references('clients.client_id').onDelete('cascade'))
    .addColumn('client_name', 'text', (c) => c.notNull())
    .addColumn('key_digest', 'text', (c) => c.notNull())
    .addColumn('code_digest', 'text')
    .addColumn('code_digest_key_id', 'text')
    .addColumn('wrong_codes', 'integer', (c) => c.notNull())
    .addColumn('contact_address', 'text')
    .addColumn('request_id', 'text')
    .addColumn('secret_lifetime_seconds', 'integer')
    .addColumn('secret_name', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('created_by', 'text', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addColumn('claimed_at', 'bigint')
    .addColumn('credential_id', 'text')
    .addColumn('receipt_digest', 'text')
    .addColumn('confirmed_at', 'bigint')
    .addColumn('ended_at', 'bigint')
    .addColumn('ending', 'text')
    .addColumn('disowned_at', 'bigint')
    .execute()
  await db.schema
    .createIndex('delivery_links_by_client')
    .on('delivery_links')
    .columns(['client_id', 'created_at', 'id'])
    .execute()
  await db.schema.createIndex('delivery_links_by_time').on('delivery_links').columns(['created_at', 'id']).execute()
  await db.schema
    .createTable('presences')
    .addColumn('process_id', 'text', (c) => c.primaryKey())
    .addColumn('seen_at', 'bigint', (c) => c.notNull())
    .addColumn('uses_reported_until', 'bigint', (c) => c.notNull())
    .execute()
}
