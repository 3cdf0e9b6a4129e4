import { sql, type Kysely } from 'kysely'

/** What each change touched, for the other processes on the database; and the sequence that orders changes. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('change_notices')
    .addColumn('sequence', 'bigint', (c) => c.primaryKey())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('notice', 'text', (c) => c.notNull())
    .execute()
  await db.schema.createIndex('change_notices_by_time').on('change_notices').column('at').execute()
  await sql`insert into sequences (name, value) values ('changes', 0)`.execute(db)
  // Old counters are removed by their hour.
  await db.schema.createIndex('usage_counters_by_hour').on('usage_counters').column('hour').execute()
}
