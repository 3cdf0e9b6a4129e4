import type { EpochMs } from '@latchkey/protocol'
import type { Kysely } from 'kysely'
import type { AnswerWrites } from '../../admin-api/idempotency/ports.ts'
import type { Schema } from './schema.ts'

export function answerWrites(tx: Kysely<Schema>): AnswerWrites {
  return {
    async find(digest) {
      const row = await tx.selectFrom('idempotent_answers').selectAll().where('digest', '=', digest).executeTakeFirst()
      if (row === undefined) return undefined
      return { digest: row.digest, sealed: row.sealed, expiresAt: row.expires_at as EpochMs }
    },
    async insert({ digest, sealed, expiresAt }) {
      await tx.insertInto('idempotent_answers').values({ digest, sealed, expires_at: expiresAt }).execute()
    },
    async removeExpired(now) {
      await tx.deleteFrom('idempotent_answers').where('expires_at', '<=', now).execute()
    },
  }
}
