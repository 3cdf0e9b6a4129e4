import { sql, type SelectQueryBuilder, type SqlBool } from 'kysely'
import type { Page, PageRequest } from '../../kernel/page.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import type { Schema } from './schema.ts'

/** The order of a list: by time, and among those of one moment by id; both are columns of the selected rows. */
export interface PageOrder<Row> {
  readonly time: keyof Row & string
  readonly id: keyof Row & string
  readonly newestFirst: boolean
}

/** Reads one page of what a query selects. Throws UnreadableCursor. */
export async function readPage<Table extends keyof Schema, Row>(
  query: SelectQueryBuilder<Schema, Table, Row>,
  { limit, cursor }: PageRequest,
  { time, id, newestFirst }: PageOrder<Row>,
): Promise<Page<Row>> {
  const direction = newestFirst ? 'desc' : 'asc'
  const [timeColumn, idColumn] = [sql.ref(time), sql.ref(id)]
  const ordered = query
    .orderBy(timeColumn, direction)
    .orderBy(idColumn, direction)
    .limit(limit + 1)
  const after = decodeCursor(cursor)
  const beyond = newestFirst ? sql`<` : sql`>`
  const rows = await (
    after === undefined
      ? ordered
      : ordered.where(sql<SqlBool>`(${timeColumn}, ${idColumn}) ${beyond} (${after.at}, ${after.id})`)
  ).execute()
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  const hasMore = rows.length > limit && last !== undefined
  return {
    items,
    nextCursor: hasMore ? encodeCursor({ at: Number(last[time]), id: String(last[id]) }) : undefined,
  }
}
