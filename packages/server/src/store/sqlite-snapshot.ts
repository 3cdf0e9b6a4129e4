import { sql } from 'kysely'
import type { BackupValue } from '../backup/ports.ts'
import { columnList, rowsPerPage, type SnapshotDialect } from './sql/backup.ts'
import { openSqliteReader } from './sqlite.ts'

/** A connection of its own beside the server's: it sees the moment of its first read, and the writer goes on meanwhile (the WAL grows until it ends). */
export function sqliteSnapshots(path: string): SnapshotDialect {
  return {
    async begin() {
      const reader = openSqliteReader(path)
      try {
        const transaction = await reader.startTransaction().execute()
        const end = async (): Promise<void> => {
          await transaction.rollback().execute()
          await reader.destroy()
        }
        return { db: transaction, end }
      } catch (error) {
        await reader.destroy()
        throw error
      }
    },
    async *pages(db, table) {
      let after = -1
      for (;;) {
        const { rows } = await sql<Record<string, BackupValue> & { 'row number': number }>`
          select rowid as "row number", ${columnList(table)} from ${sql.table(table.name)}
          where rowid > ${after} order by rowid limit ${rowsPerPage}`.execute(db)
        if (rows.length > 0) yield rows
        const last = rows.at(-1)
        if (last === undefined || rows.length < rowsPerPage) return
        after = last['row number']
      }
    },
  }
}
