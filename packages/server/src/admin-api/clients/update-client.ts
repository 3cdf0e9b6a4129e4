import type { EpochMs, Scope } from '@latchkey/protocol'
import type { ClientId } from '../../clients/client.ts'
import * as clients from '../../clients/update-client.ts'
import { done } from '../../kernel/result.ts'
import { atRevision, clientRevision } from '../at-revision.ts'
import { changeContext, type Operation } from '../operation.ts'
import { requestedNetwork } from '../requested-network.ts'
import { clientShape } from '../shapes.ts'

/**
 * `PATCH /clients/{client_id}`. Refuses with `client.unknown`, `client.is_resource_server`, `scope.unknown`, `network.invalid`,
 * `network.no_policy`, `resource_server.unknown`, `revision.stale`, `access.beyond_own`.
 */
export const updateClient: Operation<'clients', 'update'> = async (context, { params, body }) => {
  const clientId = params.client_id as ClientId
  const change = atRevision(context.services.change, clientRevision(clientId), body.revision)
  const at = changeContext(context)
  const updated = await clients.updateClient(change, at, clientId, {
    name: body.name,
    authentication: body.authentication,
    addScopes: body.add_scopes as Scope[] | undefined,
    removeScopes: body.remove_scopes as Scope[] | undefined,
    scopeEnds: body.scope_ends && scopeEnds(body.scope_ends),
    contactAddress: body.contact_address,
    tokenTtlSeconds: body.token_ttl_seconds,
    network: requestedNetwork(context.services.random, body.network),
  })
  return updated.ok ? done(clientShape(updated.value, at.now)) : updated
}

/** From seconds; `null` is without end. */
function scopeEnds(given: Readonly<Record<string, number | null>>): ReadonlyMap<Scope, EpochMs | undefined> {
  return new Map(
    Object.entries(given).map(([scope, end]) => [scope as Scope, end === null ? undefined : ((end * 1000) as EpochMs)]),
  )
}
