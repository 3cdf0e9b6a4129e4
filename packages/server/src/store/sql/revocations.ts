import type { Kysely } from 'kysely'
import type { ClientState } from '../../clients/client.ts'
import type { RevocationWrites, TokenStatusReads } from '../../tokens/ports.ts'
import type { Schema } from './schema.ts'
import type { Touched } from './touched.ts'

export function revocationWrites(tx: Kysely<Schema>, touched: Touched): RevocationWrites {
  return {
    async append(revocation, now) {
      touched.revocations()
      const sequence = await nextSequence(tx, 'revocations', now)
      const { kind, subject, minimum, expiresAt } = revocation
      await tx.insertInto('revocations').values({ sequence, kind, subject, minimum, expires_at: expiresAt }).execute()
    },
  }
}

export function tokenStatusReads(db: Kysely<Schema>): TokenStatusReads {
  return {
    status: ({ jti, kid, clientId, references }) =>
      db.transaction().execute(async (tx) => {
        const client = await tx
          .selectFrom('clients')
          .select('state')
          .where('client_id', '=', clientId)
          .executeTakeFirst()
        const credentials =
          references.length === 0
            ? []
            : await tx
                .selectFrom('credentials')
                .select(['reference', 'generation'])
                .where('client_id', '=', clientId)
                .where('reference', 'in', references)
                .execute()
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
          generations: new Map(credentials.map((row) => [row.reference, row.generation])),
        }
      }),
    async removeExpired(now) {
      await db.deleteFrom('revocations').where('expires_at', '<', now).execute()
    },
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
