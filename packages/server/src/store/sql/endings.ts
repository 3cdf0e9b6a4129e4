import { qualifyScope, type EpochMs } from '@latchkey/protocol'
import type { Kysely } from 'kysely'
import type { ClientId } from '../../clients/client.ts'
import type { EndingClient, EndingKind, Threshold } from '../../endings/ending.ts'
import type { EndingBook, EndingReads } from '../../endings/ports.ts'
import type { NetworkRules } from '../../network-policy/network-policy.ts'
import { dialectOf } from './dialect.ts'
import { noticeWrites } from './notices.ts'
import type { Schema } from './schema.ts'

export function endingReads(db: Kysely<Schema>): EndingReads {
  return {
    async credentials(after, until) {
      const rows = await db
        .selectFrom('credentials')
        .innerJoin('clients', 'clients.client_id', 'credentials.client_id')
        .leftJoin('certificates', 'certificates.credential_id', 'credentials.id')
        .select([
          'credentials.id',
          'credentials.kind',
          'credentials.name',
          'credentials.created_at',
          'credentials.expires_at',
          'certificates.serial',
          'clients.client_id',
          'clients.name as client_name',
          'clients.contact_address',
        ])
        .where('clients.state', '=', 'enabled')
        .where('credentials.kind', 'in', ['secret', 'certificate'])
        .where('credentials.revoked_at', 'is', null)
        .where('credentials.expires_at', '>', after)
        .where('credentials.expires_at', '<=', until)
        .orderBy('credentials.expires_at')
        .execute()
      return rows.map((row) => ({
        kind: row.kind as 'secret' | 'certificate',
        subject: row.id,
        name: row.serial ?? row.name,
        endsAt: (row.expires_at ?? 0) as EpochMs,
        since: row.created_at as EpochMs,
        client: toClient(row),
      }))
    },
    async scopes(after, until) {
      const rows = await db
        .selectFrom('client_scopes')
        .innerJoin('clients', 'clients.client_id', 'client_scopes.client_id')
        .select([
          'client_scopes.resource_server',
          'client_scopes.scope',
          'client_scopes.ends_at',
          'clients.client_id',
          'clients.name as client_name',
          'clients.contact_address',
        ])
        .where('clients.state', '=', 'enabled')
        .where('client_scopes.ends_at', '>', after)
        .where('client_scopes.ends_at', '<=', until)
        .orderBy('client_scopes.ends_at')
        .execute()
      return rows.map((row) => {
        const scope = qualifyScope(row.resource_server, row.scope)
        return {
          kind: 'scope',
          subject: `${row.client_id} ${scope}`,
          name: scope,
          endsAt: (row.ends_at ?? 0) as EpochMs,
          since: undefined,
          client: toClient(row),
        }
      })
    },
    async addresses(after, until) {
      const rows = await db
        .selectFrom('network_policies')
        .innerJoin('clients', 'clients.client_id', 'network_policies.client_id')
        .select([
          'network_policies.id',
          'network_policies.rules',
          'clients.client_id',
          'clients.name as client_name',
          'clients.contact_address',
        ])
        .where('clients.state', '=', 'enabled')
        .where('network_policies.rules', 'like', '%"endsAt":%')
        .execute()
      return rows.flatMap((row) => {
        const { allow } = JSON.parse(row.rules ?? '{"allow":[]}') as Pick<NetworkRules, 'allow'>
        return allow.flatMap(({ cidr, endsAt }) =>
          endsAt === undefined || endsAt <= after || endsAt > until
            ? []
            : [
                {
                  kind: 'address' as const,
                  subject: `${row.id} ${cidr}`,
                  name: cidr,
                  endsAt,
                  since: undefined,
                  client: toClient(row),
                },
              ],
        )
      })
    },
    async anchors() {
      const rows = await db
        .selectFrom('registered_subjects')
        .innerJoin('credentials', 'credentials.id', 'registered_subjects.credential_id')
        .innerJoin('clients', 'clients.client_id', 'credentials.client_id')
        .select([
          'credentials.id',
          'registered_subjects.subject',
          'registered_subjects.anchor',
          'clients.client_id',
          'clients.name as client_name',
          'clients.contact_address',
        ])
        .where('clients.state', '=', 'enabled')
        .where('credentials.revoked_at', 'is', null)
        .execute()
      return rows.map((row) => ({
        subject: row.id,
        name: row.subject,
        anchor: row.anchor,
        client: toClient(row),
      }))
    },
  }
}

export function endingBook(db: Kysely<Schema>): EndingBook {
  return {
    async told(now) {
      const rows = await db.selectFrom('told_endings').selectAll().where('ends_at', '>', now).execute()
      return rows.map((row) => ({
        kind: row.kind as EndingKind,
        subject: row.subject,
        endsAt: row.ends_at as EpochMs,
        threshold: row.threshold as Threshold,
      }))
    },
    tellOnce: ({ kind, subject, endsAt, threshold }, work) =>
      db.transaction().execute(async (tx) => {
        await dialectOf(tx).giveWay(tx)
        const noted = await tx
          .insertInto('told_endings')
          .values({ kind, subject, ends_at: endsAt, threshold })
          .onConflict((conflict) => conflict.columns(['kind', 'subject', 'ends_at', 'threshold']).doNothing())
          .returning('kind')
          .executeTakeFirst()
        if (noted === undefined) return false
        await work({ notices: noticeWrites(tx) })
        return true
      }),
    async removeOld(before) {
      await db.transaction().execute(async (tx) => {
        await dialectOf(tx).giveWay(tx)
        await tx.deleteFrom('told_endings').where('ends_at', '<', before).execute()
      })
    },
  }
}

function toClient(row: { client_id: string; client_name: string; contact_address: string | null }): EndingClient {
  return {
    clientId: row.client_id as ClientId,
    name: row.client_name,
    contactAddress: row.contact_address ?? undefined,
  }
}
