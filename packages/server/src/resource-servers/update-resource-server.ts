import { isDeepStrictEqual } from 'node:util'
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
import { readEndpointRules, ruleNeeding, type ResourceServerRule } from './endpoint-rules.ts'
import type { ResourceServer, ResourceServerScope } from './resource-server.ts'

export interface ResourceServerUpdate {
  readonly audience?: string | undefined
  /** Adds scopes, or gives known ones a new description. */
  readonly setScopes?: readonly ResourceServerScope[] | undefined
  readonly removeScopes?: readonly string[] | undefined
  readonly exclusive?: boolean | undefined
  /** `null` takes the limit away. */
  readonly tokenTtlSeconds?: number | null | undefined
  /** Replaces all of them. */
  readonly endpointRules?: readonly ResourceServerRule[] | undefined
  /** Takes removed scopes from the clients that hold them, ending their tokens, instead of refusing. */
  readonly force?: boolean | undefined
}

/**
 * Changes an API. Whatever makes access smaller (a scope removed, another audience, exclusive, shorter tokens) ends the tokens of every client that it concerns.
 * Refuses with `resource_server.unknown`, `.audience_taken`, `scope.unknown`, `rule.invalid`; `scope.in_use` for a scope that an endpoint rule needs, and, unless
 * forced, that a client holds.
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
  const rules = rulesAfter(before, input, removed, set)
  if (!rules.ok) return rules
  const after: ResourceServer = {
    ...before,
    audience: input.audience ?? before.audience,
    exclusive: input.exclusive ?? before.exclusive,
    scopes: sortScopes([...set.values()]),
    tokenTtlSeconds:
      input.tokenTtlSeconds === undefined ? before.tokenTtlSeconds : (input.tokenTtlSeconds ?? undefined),
    endpointRules: rules.value,
    endpointRulesVersion: before.endpointRulesVersion + (rules.value === before.endpointRules ? 0 : 1),
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

/** The same list when nothing of it changes. A scope that a rule needs does not go from under it: nobody could make that call any more. */
function rulesAfter(
  { name, endpointRules }: ResourceServer,
  { endpointRules: written }: ResourceServerUpdate,
  removed: ReadonlySet<string>,
  scopes: ReadonlyMap<string, unknown>,
): Result<readonly ResourceServerRule[], ChangeRefusal> {
  if (written !== undefined) {
    const read = readEndpointRules(name, new Set(scopes.keys()), written)
    return read.ok && isDeepStrictEqual(read.value, endpointRules) ? done(endpointRules) : read
  }
  const needing = ruleNeeding(endpointRules, removed)
  if (needing === undefined) return done(endpointRules)
  const message = `the endpoint rule ${needing.endpoint} needs a scope that would go: change the rules first, or with it`
  return refuseChange('scope.in_use', message, 'remove_scopes')
}
