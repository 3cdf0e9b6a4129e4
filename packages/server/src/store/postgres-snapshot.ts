import { sql } from 'kysely'
import type { BackupValue } from '../backup/ports.ts'
import { applicationPrefix, type ConnectionSettings } from './postgres/connection-settings.ts'
import { migrationPatience } from './postgres/pool.ts'
import { openPool } from './postgres.ts'
import { columnList, rowsPerPage, type SnapshotDialect } from './sql/backup.ts'
import type { RestoreDialect } from './sql/restore.ts'

/** A connection of its own, in a transaction that sees the moment of its first read. */
export function postgresSnapshots(settings: ConnectionSettings): SnapshotDialect {
  return {
    async begin() {
      const reader = openPool(settings, migrationPatience)
      try {
        const transaction = await reader
          .startTransaction()
          .setIsolationLevel('repeatable read')
          .setAccessMode('read only')
          .execute()
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
      await sql`declare backup_rows no scroll cursor for select ${columnList(table)} from ${sql.table(table.name)}`.execute(
        db,
      )
      try {
        for (;;) {
          const { rows } = await sql<Record<string, BackupValue>>`
            fetch forward ${sql.lit(rowsPerPage)} from backup_rows`.execute(db)
          if (rows.length > 0) yield rows
          if (rows.length < rowsPerPage) return
        }
      } finally {
        await sql`close backup_rows`.execute(db)
      }
    },
  }
}

export function postgresRestore(settings: ConnectionSettings): RestoreDialect {
  return {
    async others(db) {
      const { rows } = await sql<{ name: string }>`
        select distinct application_name as name from pg_stat_activity
        where datname = current_database() and application_name like ${`${applicationPrefix} %`}
          and application_name <> ${settings.client.application_name ?? ''}
        order by application_name`.execute(db)
      return rows.map(({ name }) => name)
    },
  }
}
