import type { EpochMs } from '@latchkey/protocol'
import type { Kysely } from 'kysely'
import type { NoticeChannel, NoticeWrites, Outbox, TakenNotice } from '../../notices/ports.ts'
import { dialectOf } from './dialect.ts'
import type { Schema } from './schema.ts'

export function noticeWrites(tx: Kysely<Schema>): NoticeWrites {
  return {
    async insert({ id, channel, kind, about, sealed, dataKeyId, createdAt }) {
      await tx
        .insertInto('notices')
        .values({
          id,
          channel,
          kind,
          about,
          sealed,
          data_key_id: dataKeyId,
          created_at: createdAt,
          next_attempt_at: createdAt,
          attempts: 0,
        })
        .execute()
    },
  }
}

const weekMs = 7 * 86_400_000

export function outbox(db: Kysely<Schema>): Outbox {
  /** Nobody waits for a message to be noted. */
  const byTheWay = <T>(work: (tx: Kysely<Schema>) => Promise<T>): Promise<T> =>
    db.transaction().execute(async (tx) => {
      await dialectOf(tx).giveWay(tx)
      return work(tx)
    })
  return {
    async take(now, leasedUntil, limit) {
      const due = await db
        .selectFrom('notices')
        .select('id')
        .where('sealed', 'is not', null)
        .where('next_attempt_at', '<=', now)
        .where((where) => where.or([where('leased_until', 'is', null), where('leased_until', '<=', now)]))
        .orderBy('next_attempt_at')
        .orderBy('id')
        .limit(limit)
        .execute()
      const taken: TakenNotice[] = []
      for (const { id } of due) {
        const notice = await byTheWay((tx) => takeOne(tx, id, now, leasedUntil))
        if (notice !== undefined) taken.push(notice)
      }
      return taken
    },
    async markSent(id, now) {
      await byTheWay((tx) =>
        tx
          .updateTable('notices')
          .set({ sealed: null, sent_at: now, leased_until: null, last_failure: null })
          .where('id', '=', id)
          .execute(),
      )
    },
    async postpone(id, until, failure) {
      await byTheWay((tx) =>
        tx
          .updateTable('notices')
          .set({ next_attempt_at: until, leased_until: null, last_failure: failure })
          .where('id', '=', id)
          .execute(),
      )
    },
    async giveUp(id, now, failure) {
      await byTheWay((tx) =>
        tx
          .updateTable('notices')
          .set({ sealed: null, given_up_at: now, leased_until: null, last_failure: failure })
          .where('id', '=', id)
          .execute(),
      )
    },
    async removeOld(before) {
      await byTheWay((tx) =>
        tx
          .deleteFrom('notices')
          .where((where) => where.or([where('sent_at', '<', before), where('given_up_at', '<', before)]))
          .execute(),
      )
    },
    async counts(now) {
      const waiting = await db
        .selectFrom('notices')
        .select((select) => [select.fn.countAll().as('count'), select.fn.min('created_at').as('since')])
        .where('sealed', 'is not', null)
        .executeTakeFirstOrThrow()
      const given = await db
        .selectFrom('notices')
        .select((select) => select.fn.countAll().as('count'))
        .where('given_up_at', '>', now - weekMs)
        .executeTakeFirstOrThrow()
      return {
        waiting: Number(waiting.count),
        waitingSince: (waiting.since ?? undefined) as EpochMs | undefined,
        givenUp: Number(given.count),
      }
    },
  }
}

/** One statement decides who gets it. */
async function takeOne(tx: Kysely<Schema>, id: string, now: EpochMs, until: EpochMs): Promise<TakenNotice | undefined> {
  const row = await tx
    .updateTable('notices')
    .set((set) => ({ leased_until: until, attempts: set('attempts', '+', 1) }))
    .where('id', '=', id)
    .where('sealed', 'is not', null)
    .where((where) => where.or([where('leased_until', 'is', null), where('leased_until', '<=', now)]))
    .returningAll()
    .executeTakeFirst()
  if (row === undefined || row.sealed === null) return undefined
  return {
    id: row.id,
    channel: row.channel as NoticeChannel,
    kind: row.kind,
    about: row.about,
    sealed: row.sealed,
    dataKeyId: row.data_key_id,
    createdAt: row.created_at as EpochMs,
    attempts: row.attempts,
  }
}
