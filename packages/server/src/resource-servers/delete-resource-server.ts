import type { Change, ChangeContext, ChangeOutcome } from '../audit/change.ts'
import { refuseChange, type ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import {
  auditedResourceServer,
  fewOf,
  takeScopes,
  unknownResourceServer,
  type ResourceServerTransaction,
} from './resource-server-changes.ts'

/** Removes an API. Refuses with `resource_server.unknown`, and `resource_server.in_use` unless forced; then its clients lose the scopes. */
export function deleteResourceServer(
  change: Change<ResourceServerTransaction>,
  context: ChangeContext,
  name: string,
  options: { readonly force: boolean },
): Promise<Result<undefined, ChangeRefusal>> {
  return change(context, (tx) => deleteResourceServerWithin(tx, context, name, options))
}

/** {@link deleteResourceServer} as a part of a larger change. */
export async function deleteResourceServerWithin(
  tx: ResourceServerTransaction,
  context: ChangeContext,
  name: string,
  options: { readonly force: boolean },
): Promise<ChangeOutcome<undefined, ChangeRefusal>> {
  const server = await tx.resourceServers.find(name)
  if (server === undefined) return unknownResourceServer(name)
  const holders = await tx.clients.holders(name)
  if (holders.length > 0 && !options.force) {
    return refuseChange(
      'resource_server.in_use',
      `${holders.length} client(s) hold scopes of ${name}: ${fewOf(holders)}`,
      'name',
    )
  }
  for (const holder of holders) await takeScopes(tx, context, holder, (held) => held.startsWith(`${name}/`))
  if (server.clientId !== undefined) await tx.clients.delete(server.clientId, context.now)
  await tx.resourceServers.delete(name)
  return {
    ...done(undefined),
    event: {
      name: 'resource_server.deleted',
      subject: name,
      details: { ...auditedResourceServer(server), taken_from: holders },
    },
  }
}
