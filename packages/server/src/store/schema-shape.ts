import { sql, type Kysely } from 'kysely'
import type { TableShape } from '../backup/ports.ts'
import { migrations } from './migrations/index.ts'
import type { Schema } from './sql/schema.ts'
import { openSqliteInMemory } from './sqlite.ts'

/**
 * The tables that these migrations make, none before one that it refers to. Found out by running them on a database in memory, so that no list
 * of tables can be forgotten when a migration is added. `undefined` when one of them is not known here.
 */
export async function schemaShape(names: readonly string[]): Promise<readonly TableShape[] | undefined> {
  const wanted = names.map((name) => migrations[name])
  const db = openSqliteInMemory()
  try {
    for (const migration of wanted) {
      if (migration === undefined) return undefined
      await migration.up(db)
    }
    const tables = await db.introspection.getTables()
    const shapes = tables.map(({ name, columns }) => ({ name, columns: columns.map((column) => column.name) }))
    return inOrderOfReference(shapes, await readReferences(db))
  } finally {
    await db.destroy()
  }
}

interface Reference {
  readonly from: string
  readonly to: string
}

async function readReferences(db: Kysely<Schema>): Promise<readonly Reference[]> {
  const { rows } = await sql<Reference>`
    select tables.name as "from", keys."table" as "to"
    from sqlite_schema as tables join pragma_foreign_key_list(tables.name) as keys
    where tables.type = 'table'`.execute(db)
  return rows
}

function inOrderOfReference(shapes: readonly TableShape[], references: readonly Reference[]): TableShape[] {
  const ordered: TableShape[] = []
  let waiting = shapes
  while (waiting.length > 0) {
    const isFree = ({ name }: TableShape): boolean =>
      !references.some(({ from, to }) => from === name && to !== name && waiting.some((other) => other.name === to))
    const free = waiting.filter((shape) => isFree(shape))
    if (free.length === 0) throw new Error('tables refer to each other in a circle')
    ordered.push(...free)
    waiting = waiting.filter((shape) => !free.includes(shape))
  }
  return ordered
}
