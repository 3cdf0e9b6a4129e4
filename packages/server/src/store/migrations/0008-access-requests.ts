import type { Kysely } from 'kysely'

/** What partners ask for, the keys that open each request, and the invitations to ask. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('access_requests')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('revision', 'integer', (c) => c.notNull())
    // In lower case: addresses and domains are counted without regard to it.
    .addColumn('contact_address', 'text', (c) => c.notNull())
    .addColumn('contact_domain', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('submitted_at', 'bigint')
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addColumn('invitation_id', 'text')
    // Form, messages, approvals and decision, as JSON: only ever read and written whole.
    .addColumn('content', 'text', (c) => c.notNull())
    .execute()
  await db.schema.createIndex('access_requests_by_turn').on('access_requests').columns(['submitted_at', 'id']).execute()
  await db.schema
    .createIndex('access_requests_by_domain')
    .on('access_requests')
    .columns(['contact_domain', 'created_at'])
    .execute()
  await db.schema
    .createIndex('access_requests_by_state')
    .on('access_requests')
    .columns(['state', 'expires_at'])
    .execute()
  await db.schema
    .createTable('access_request_keys')
    .addColumn('digest', 'text', (c) => c.primaryKey())
    .addColumn('request_id', 'text', (c) => c.notNull().references('access_requests.id').onDelete('cascade'))
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute()
  await db.schema
    .createIndex('access_request_keys_by_request')
    .on('access_request_keys')
    .columns(['request_id'])
    .execute()
  await db.schema
    .createTable('invitations')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('key_digest', 'text', (c) => c.notNull().unique())
    .addColumn('note', 'text')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('created_by', 'text', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addColumn('max_uses', 'integer')
    .addColumn('uses', 'integer', (c) => c.notNull())
    .addColumn('revoked_at', 'bigint')
    .execute()
}
