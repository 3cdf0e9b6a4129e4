import type { EpochMs } from '@latchkey/protocol'
import type { Kysely } from 'kysely'
import type { ClientId, ClientState } from '../../clients/client.ts'
import type {
  OwnRevocationWrites,
  Revocation,
  RevocationKind,
  RevocationReads,
  RevocationWrites,
  TokenStatusReads,
} from '../../tokens/ports.ts'
import { ofOneMoment } from './dialect.ts'
import { inParts } from './in-parts.ts'
import type { Schema } from './schema.ts'
import type { Touched } from './touched.ts'

export function revocationWrites(tx: Kysely<Schema>, touched: Touched): RevocationWrites & OwnRevocationWrites {
  async function append(revocation: Revocation, revokedBy: ClientId | null, now: EpochMs): Promise<void> {
    touched.revocations()
    const sequence = await nextSequence(tx, 'revocations', now)
    const { kind, subject, minimum, expiresAt } = revocation
    await tx
      .insertInto('revocations')
      .values({ sequence, kind, subject, minimum, expires_at: expiresAt, revoked_by: revokedBy })
      .execute()
  }
  return {
    append: (revocation, now) => append(revocation, null, now),
    appendOwn: append,
    async countOwn(clientId, now) {
      const { count } = await tx
        .selectFrom('revocations')
        .select((select) => select.fn.countAll().as('count'))
        .where('revoked_by', '=', clientId)
        .where('expires_at', '>', now)
        .executeTakeFirstOrThrow()
      return Number(count)
    },
  }
}

export function tokenStatusReads(db: Kysely<Schema>): TokenStatusReads {
  return {
    status: ({ jti, kid, clientId, references }) =>
      ofOneMoment(db, async (tx) => {
        const client = await tx
          .selectFrom('clients')
          .select('state')
          .where('client_id', '=', clientId)
          .executeTakeFirst()
        const generations = new Map<string, number>()
        for (const part of inParts(references)) {
          const rows = await tx
            .selectFrom('credentials')
            .select(['reference', 'generation'])
            .where('client_id', '=', clientId)
            .where('reference', 'in', part)
            .execute()
          for (const row of rows) generations.set(row.reference, row.generation)
        }
        const revocation = await tx
          .selectFrom('revocations')
          .select('sequence')
          .where((where) =>
            where.or([
              where.and([where('kind', '=', 'jti'), where('subject', '=', jti)]),
              where.and([where('kind', '=', 'kid'), where('subject', '=', kid)]),
            ]),
          )
          .limit(1)
          .executeTakeFirst()
        return {
          revoked: revocation !== undefined,
          clientState: client?.state as ClientState | undefined,
          generations,
        }
      }),
    async removeExpired(now) {
      await db.deleteFrom('revocations').where('expires_at', '<', now).execute()
    },
  }
}

export function revocationReads(db: Kysely<Schema>): RevocationReads {
  return {
    after: (sequence, limit) =>
      ofOneMoment(db, async (tx) => {
        const { value: latest } = await tx
          .selectFrom('sequences')
          .select('value')
          .where('name', '=', 'revocations')
          .executeTakeFirstOrThrow()
        const rows = await tx
          .selectFrom('revocations')
          .selectAll()
          .where('sequence', '>', sequence)
          .orderBy('sequence')
          .limit(limit)
          .execute()
        const entries = rows.map((row) => ({
          sequence: row.sequence,
          kind: row.kind as RevocationKind,
          subject: row.subject,
          minimum: row.minimum,
          expiresAt: row.expires_at as EpochMs,
        }))
        return { entries, latest }
      }),
  }
}

/** max(previous + 1, now in ms): grows even when the clock stands still or steps back, and after old rows were removed. */
async function nextSequence(tx: Kysely<Schema>, name: string, now: number): Promise<number> {
  const { value } = await tx
    .updateTable('sequences')
    .set((set) => ({
      value: set
        .case()
        .when('value', '>=', now)
        .then(set('value', '+', 1))
        .else(now)
        .end(),
    }))
    .where('name', '=', name)
    .returning('value')
    .executeTakeFirstOrThrow()
  return value
}
