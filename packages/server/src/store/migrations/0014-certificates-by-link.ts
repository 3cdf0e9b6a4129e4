import { sql, type Kysely } from 'kysely'

/** Delivery links that carry certificates, and requests that say how their client proves who it is. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const column of ['csr', 'own_certificate', 'key_credential_id', 'certificate_serial']) {
    await db.schema.alterTable('delivery_links').addColumn(column, 'text').execute()
  }
  // What `secret` was called when there was nothing else. Within a text the quotes would be escaped.
  await sql`update access_requests set content = replace(content, ${'"authentication":"client_secret"'}, ${'"authentication":"secret"'})`.execute(
    db,
  )
}
