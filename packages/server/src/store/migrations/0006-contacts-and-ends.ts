import type { Kysely } from 'kysely'

/** Whom to tell of a client's credentials, and until when it holds a scope. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('clients').addColumn('contact_address', 'text').execute()
  await db.schema.alterTable('client_scopes').addColumn('ends_at', 'bigint').execute()
}
