import { qualifyScope, type EpochMs } from '@latchkey/protocol'
import type { Kysely, Selectable } from 'kysely'
import type { Client } from '../../clients/client.ts'
import type { NetworkPolicy, NetworkPolicyId, NetworkRules } from '../../network-policy/network-policy.ts'
import type { AddressAlertWrites, NetworkPolicyReads } from '../../network-policy/ports.ts'
import { ofOneMoment } from './dialect.ts'
import type { Schema } from './schema.ts'

export function networkPolicyReads(db: Kysely<Schema>): NetworkPolicyReads {
  return {
    find: (id) =>
      ofOneMoment(db, async (tx) => {
        const row = await tx.selectFrom('network_policies').selectAll().where('id', '=', id).executeTakeFirst()
        if (row === undefined) return undefined
        const scopes = await tx
          .selectFrom('client_scopes')
          .select(['resource_server', 'scope'])
          .where('client_id', '=', row.client_id)
          .execute()
        return {
          policy: toPolicy(row),
          scopes: scopes.map(({ resource_server: server, scope }) => qualifyScope(server, scope)).toSorted(),
        }
      }),
  }
}

export function addressAlertWrites(tx: Kysely<Schema>): AddressAlertWrites {
  return {
    async lastAlert(clientId) {
      const row = await tx
        .selectFrom('network_policies')
        .select('alerted_at')
        .where('client_id', '=', clientId)
        .executeTakeFirst()
      return (row?.alerted_at ?? undefined) as EpochMs | undefined
    },
    async noteAlert(clientId, at) {
      await tx.updateTable('network_policies').set({ alerted_at: at }).where('client_id', '=', clientId).execute()
    },
  }
}

/** The policies of these clients. */
export async function policiesOf(
  db: Kysely<Schema>,
  clientIds: readonly string[],
): Promise<ReadonlyMap<string, NetworkPolicy>> {
  if (clientIds.length === 0) return new Map()
  const rows = await db.selectFrom('network_policies').selectAll().where('client_id', 'in', clientIds).execute()
  return new Map(rows.map((row) => [row.client_id, toPolicy(row)]))
}

export async function writePolicy(tx: Kysely<Schema>, { clientId, network }: Client): Promise<void> {
  if (network === undefined) return
  const changing = {
    version: network.version,
    rules: network.rules === undefined ? null : JSON.stringify(network.rules),
  }
  await tx
    .insertInto('network_policies')
    .values({ client_id: clientId, id: network.id, ...changing })
    .onConflict((conflict) => conflict.column('client_id').doUpdateSet(changing))
    .execute()
}

export function toPolicy(row: Pick<Selectable<Schema['network_policies']>, 'id' | 'version' | 'rules'>): NetworkPolicy {
  return {
    id: row.id as NetworkPolicyId,
    version: row.version,
    rules: row.rules === null ? undefined : readRules(row.rules),
  }
}

/** JSON leaves out what is undefined; here every member is there, so that rules compare. */
function readRules(text: string): NetworkRules {
  const { mode, allow, covers } = JSON.parse(text) as NetworkRules
  return {
    mode,
    allow: allow.map(({ cidr, note, endsAt }) => ({ cidr, note, endsAt })),
    covers: covers && {
      tokenEndpoint: covers.tokenEndpoint,
      apis: covers.apis.map(({ name, endpoints }) => ({ name, endpoints })),
    },
  }
}
