import type { Change, ChangeContext, ChangeOutcome } from '../audit/change.ts'
import type { ClientId } from '../clients/client.ts'
import { endTokensOfClient } from '../clients/end-access.ts'
import { refuseChange, type ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import {
  auditedResourceServer,
  audienceTaken,
  fewOf,
  sortScopes,
  takeScopes,
  unknownResourceServer,
  type ResourceServerTransaction,
} from './resource-server-changes.ts'
import type { ResourceServer, ResourceServerScope } from './resource-server.ts'

export interface ResourceServerUpdate {
  readonly audience?: string | undefined
  /** Adds scopes, or gives known ones a new description. */
  readonly setScopes?: readonly ResourceServerScope[] | undefined
  readonly removeScopes?: readonly string[] | undefined
  readonly exclusive?: boolean | undefined
  /** `null` takes the limit away. */
  readonly tokenTtlSeconds?: number | null | undefined
  /** Takes removed scopes from the clients that hold them, ending their tokens, instead of refusing. */
  readonly force?: boolean | undefined
}

/**
 * Changes an API. Whatever makes access smaller (a scope removed, another audience, exclusive, shorter tokens) ends the tokens of every client that it concerns.
 * Refuses with `resource_server.unknown`, `.audience_taken`, `scope.unknown`, and `scope.in_use` unless forced.
 */
export function updateResourceServer(
  change: Change<ResourceServerTransaction>,
  context: ChangeContext,
  name: string,
  input: ResourceServerUpdate,
): Promise<Result<ResourceServer, ChangeRefusal>> {
  return change(context, (tx) => updateResourceServerWithin(tx, context, name, input))
}

/** {@link updateResourceServer} as a part of a larger change. */
export async function updateResourceServerWithin(
  tx: ResourceServerTransaction,
  context: ChangeContext,
  name: string,
  input: ResourceServerUpdate,
): Promise<ChangeOutcome<ResourceServer, ChangeRefusal>> {
  const before = await tx.resourceServers.find(name)
  if (before === undefined) return unknownResourceServer(name)
  if (input.audience !== undefined && input.audience !== before.audience) {
    const taken = await audienceTaken(tx.resourceServers, input.audience)
    if (taken !== undefined) return taken
  }
  const removed = new Set(input.removeScopes)
  const losing = new Set<ClientId>()
  for (const scope of removed) {
    if (!before.scopes.some((known) => known.name === scope)) {
      return refuseChange('scope.unknown', `${name} has no scope ${scope}`, 'remove_scopes')
    }
    const holders = await tx.clients.holders(name, scope)
    if (holders.length > 0 && input.force !== true) {
      const message = `${holders.length} client(s) hold ${name}/${scope}: ${fewOf(holders)}`
      return refuseChange('scope.in_use', message, 'remove_scopes')
    }
    for (const holder of holders) losing.add(holder)
  }
  for (const client of losing) {
    await takeScopes(
      tx,
      context,
      client,
      (held) => held.startsWith(`${name}/`) && removed.has(held.slice(name.length + 1)),
    )
  }
  const set = new Map([...before.scopes, ...(input.setScopes ?? [])].map((scope) => [scope.name, scope]))
  for (const scope of removed) set.delete(scope)
  const after: ResourceServer = {
    ...before,
    audience: input.audience ?? before.audience,
    exclusive: input.exclusive ?? before.exclusive,
    scopes: sortScopes([...set.values()]),
    tokenTtlSeconds:
      input.tokenTtlSeconds === undefined ? before.tokenTtlSeconds : (input.tokenTtlSeconds ?? undefined),
    updatedAt: context.now,
    revision: before.revision + 1,
  }
  await tx.resourceServers.update(after)
  const narrowed =
    after.audience !== before.audience ||
    (after.exclusive && !before.exclusive) ||
    (after.tokenTtlSeconds ?? Infinity) < (before.tokenTtlSeconds ?? Infinity)
  if (narrowed) {
    for (const holder of await tx.clients.holders(name)) {
      // Those that lost a scope have lost their tokens with it.
      const record = losing.has(holder) ? undefined : await tx.clients.find(holder)
      if (record !== undefined) await endTokensOfClient(tx, record, context.now)
    }
  }
  return {
    ...done(after),
    event: {
      name: 'resource_server.updated',
      subject: name,
      details: {
        before: auditedResourceServer(before),
        after: auditedResourceServer(after),
        tokens_ended: narrowed || losing.size > 0,
        taken_from: [...losing],
      },
    },
  }
}
