import type { ChangeContext } from '../audit/change.ts'
import type { ClientId } from '../clients/client.ts'
import { endTokensOfClient, type EndAccessTransaction } from '../clients/end-access.ts'
import { refuseChange, type ChangeRefusal } from '../kernel/refusal.ts'
import type { ResourceServerWrites } from './ports.ts'
import type { ResourceServer, ResourceServerScope } from './resource-server.ts'

/** The slices of a change that operations on resource servers write. */
export interface ResourceServerTransaction extends EndAccessTransaction {
  readonly resourceServers: ResourceServerWrites
}

interface Refused {
  readonly ok: false
  readonly refusal: ChangeRefusal
}

/** Takes scopes from a client that holds them, which ends its tokens. */
export async function takeScopes(
  tx: ResourceServerTransaction,
  context: ChangeContext,
  clientId: ClientId,
  taken: (scope: string) => boolean,
): Promise<void> {
  const record = await tx.clients.find(clientId)
  if (record === undefined) return
  const scopes = record.client.scopes.filter((scope) => !taken(scope))
  await tx.clients.update({ ...record.client, scopes, updatedAt: context.now, revision: record.client.revision + 1 })
  await endTokensOfClient(tx, record, context.now)
}

/** Whether a resource server has this audience already: then the refusal that says so. */
export async function audienceTaken(
  resourceServers: ResourceServerWrites,
  audience: string,
): Promise<Refused | undefined> {
  const other = await resourceServers.findByAudience(audience)
  if (other === undefined) return undefined
  return refuseChange('resource_server.audience_taken', `${other.name} has the audience ${audience}`, 'audience')
}

export function unknownResourceServer(name: string): Refused {
  return refuseChange('resource_server.unknown', `there is no resource server ${name}`, 'name')
}

/** Sorted by name in code-point order. */
export function sortScopes(scopes: readonly ResourceServerScope[]): ResourceServerScope[] {
  return scopes.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

/** What the audit log keeps of a resource server. */
export function auditedResourceServer(server: ResourceServer): Readonly<Record<string, unknown>> {
  const { audience, exclusive, scopes, tokenTtlSeconds, endpointRules } = server
  const rules = endpointRules.length === 0 ? {} : { endpoint_rules: endpointRules }
  return { audience, exclusive, scopes, token_ttl_seconds: tokenTtlSeconds, ...rules }
}

/** The first few, for a message. */
export function fewOf(clientIds: readonly ClientId[]): string {
  return clientIds.slice(0, 5).join(', ') + (clientIds.length > 5 ? ', …' : '')
}
