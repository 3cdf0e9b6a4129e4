import type { EpochMs } from '@latchkey/protocol'
import type { Kysely } from 'kysely'
import { dialectOf } from './dialect.ts'
import type { Schema } from './schema.ts'
import { everythingChanged, readNotice, type ChangeNotice } from './touched.ts'

/** How long notices are kept, in milliseconds: whoever was away for longer reads everything anew. */
const keptMs = 3_600_000

/**
 * The first statement of every change: waits until no other change is under way on this database, and answers this one's sequence. So changes
 * commit in the order of their sequences, without gaps, and no change reads what another is about to alter (decision 006).
 */
export async function takeTurn(tx: Kysely<Schema>): Promise<number> {
  const { value } = await tx
    .updateTable('sequences')
    .set((set) => ({ value: set('value', '+', 1) }))
    .where('name', '=', 'changes')
    .returning('value')
    .executeTakeFirstOrThrow()
  return value
}

/** Leaves word of what a change touched, for the other processes; drops word that is too old. */
export async function leaveNotice(
  tx: Kysely<Schema>,
  sequence: number,
  at: EpochMs,
  notice: ChangeNotice,
): Promise<void> {
  await tx
    .deleteFrom('change_notices')
    .where('at', '<', at - keptMs)
    .execute()
  await tx
    .insertInto('change_notices')
    .values({ sequence, at, notice: JSON.stringify(notice) })
    .execute()
  await dialectOf(tx).wakeOthers(tx, sequence)
}

/** What the change feed reads. */
export interface ChangeNoticeReads {
  /** The sequence of the newest change. */
  latest(): Promise<number>
  /** Notices above `sequence`, ascending, `limit` at most. Those that were dropped are missing. */
  after(sequence: number, limit: number): Promise<{ readonly sequence: number; readonly notice: ChangeNotice }[]>
}

export function changeNoticeReads(db: Kysely<Schema>): ChangeNoticeReads {
  return {
    async latest() {
      const row = await db
        .selectFrom('sequences')
        .select('value')
        .where('name', '=', 'changes')
        .executeTakeFirstOrThrow()
      return row.value
    },
    async after(sequence, limit) {
      const rows = await db
        .selectFrom('change_notices')
        .select(['sequence', 'notice'])
        .where('sequence', '>', sequence)
        .orderBy('sequence')
        .limit(limit)
        .execute()
      // One that another version wrote, and that cannot be read here, may be about anything.
      return rows.map((row) => ({ sequence: row.sequence, notice: readNotice(row.notice) ?? everythingChanged }))
    },
  }
}
