import { sql, type Kysely } from 'kysely'
import type { EpochMs } from '@latchkey/protocol'
import { dialectOf } from './dialect.ts'
import type { Schema } from './schema.ts'

export interface ExpiringSecret {
  readonly clientId: string
  readonly id: string
  readonly expiresAt: number
}

/** What the doctor asks of the database. */
export interface DoctorReads {
  /** The database's own check of itself; `ok` when it is sound. */
  check(): Promise<string>
  /** When the last administrative change was recorded. */
  lastAuditTime(): Promise<number | undefined>
  /** When the last administrative event of this name was recorded. */
  lastTimeOf(event: string): Promise<number | undefined>
  /** Milliseconds since 1970 by the clock of the database; undefined where it has none but this machine's. */
  now(): Promise<number | undefined>
  /** Secrets in force of enabled clients that end before this moment, soonest first, ten at most. */
  expiringSecrets(now: EpochMs, before: EpochMs): Promise<ExpiringSecret[]>
  /** Throws Fault `store.unavailable` when the database does not answer. */
  ping(): Promise<void>
}

export function doctorReads(db: Kysely<Schema>): DoctorReads {
  return {
    check: () => dialectOf(db).checkSoundness(db),
    async lastAuditTime() {
      const row = await db.selectFrom('audit_rows').select('at').orderBy('sequence', 'desc').limit(1).executeTakeFirst()
      return row?.at
    },
    async lastTimeOf(event) {
      const row = await db
        .selectFrom('audit_rows')
        .select('at')
        .where('event', '=', event)
        .orderBy('sequence', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row?.at
    },
    now: () => dialectOf(db).now(db),
    async expiringSecrets(now, before) {
      const rows = await db
        .selectFrom('credentials')
        .innerJoin('clients', 'clients.client_id', 'credentials.client_id')
        .select(['credentials.client_id', 'credentials.id', 'credentials.expires_at'])
        .where('clients.state', '=', 'enabled')
        .where('credentials.kind', '=', 'secret')
        .where('credentials.revoked_at', 'is', null)
        .where('credentials.expires_at', '>', now)
        .where('credentials.expires_at', '<', before)
        .orderBy('credentials.expires_at')
        .limit(10)
        .execute()
      return rows.map((row) => ({ clientId: row.client_id, id: row.id, expiresAt: row.expires_at ?? 0 }))
    },
    async ping() {
      await sql`select 1`.execute(db)
    },
  }
}
