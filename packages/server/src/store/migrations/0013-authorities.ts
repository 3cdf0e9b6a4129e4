import { sql, type Kysely } from 'kysely'

/** Authorities that take each other's place, and keys that wait for a certificate from elsewhere. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // Made anew: that there is one of each kind stood in the table itself.
  await db.schema.alterTable('certificate_authorities').renameTo('certificate_authorities_before').execute()
  await db.schema
    .createTable('certificate_authorities')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('certificate', 'text', (c) => c.notNull())
    .addColumn('root', 'text', (c) => c.notNull())
    .addColumn('published_as', 'text', (c) => c.unique())
    .addColumn('sealed_private_key', 'text', (c) => c.notNull())
    .addColumn('data_key_id', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('not_after', 'bigint', (c) => c.notNull())
    .addColumn('replaced_at', 'bigint')
    .execute()
  // The certificates of the first name their revocation list as /ca/clients.crl.
  await sql`
    insert into certificate_authorities
      (id, kind, certificate, root, published_as, sealed_private_key, data_key_id, created_at, not_after)
    select id, kind, certificate,
      case when kind = 'root' then '' else
        coalesce((select certificate from certificate_authorities_before as above where above.kind = 'root'), '') end,
      case when kind = 'root' then null else 'clients' end,
      sealed_private_key, data_key_id, created_at, not_after
    from certificate_authorities_before`.execute(db)
  await db.schema.dropTable('certificate_authorities_before').execute()
  // One of each kind signs: two servers that make one at the same moment cannot both.
  await sql`
    create unique index certificate_authorities_in_force on certificate_authorities (kind)
    where replaced_at is null`.execute(db)
  await db.schema
    .createTable('authority_requests')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('csr', 'text', (c) => c.notNull())
    .addColumn('sealed_private_key', 'text', (c) => c.notNull())
    .addColumn('data_key_id', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute()
}
