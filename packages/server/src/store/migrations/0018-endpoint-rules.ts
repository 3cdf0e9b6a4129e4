import type { Kysely } from 'kysely'

/** What the calls of an API need, as JSON: only ever read and written whole. The version grows with every change of them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('resource_servers')
    .addColumn('endpoint_rules', 'text', (c) => c.notNull().defaultTo('[]'))
    .execute()
  await db.schema
    .alterTable('resource_servers')
    .addColumn('endpoint_rules_version', 'integer', (c) => c.notNull().defaultTo(0))
    .execute()
}
