import type { Change, ChangeContext, ChangeOutcome } from '../audit/change.ts'
import { refuseChange, type ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import {
  auditedResourceServer,
  audienceTaken,
  sortScopes,
  type ResourceServerTransaction,
} from './resource-server-changes.ts'
import { readEndpointRules, type ResourceServerRule } from './endpoint-rules.ts'
import type { ResourceServer, ResourceServerScope } from './resource-server.ts'

/** The prefix of Latchkey's own scopes. */
const reservedName = 'latchkey'

export interface NewResourceServer {
  readonly name: string
  readonly audience: string
  readonly scopes: readonly ResourceServerScope[]
  readonly exclusive: boolean
  readonly tokenTtlSeconds?: number | undefined
  readonly endpointRules?: readonly ResourceServerRule[] | undefined
}

/** Registers an API. Refuses with `resource_server.name_taken`, `.audience_taken`, `.reserved`, and as `readEndpointRules` says. */
export function createResourceServer(
  change: Change<ResourceServerTransaction>,
  context: ChangeContext,
  input: NewResourceServer,
): Promise<Result<ResourceServer, ChangeRefusal>> {
  return change(context, (tx) => createResourceServerWithin(tx, context, input))
}

/** {@link createResourceServer} as a part of a larger change. */
export async function createResourceServerWithin(
  tx: ResourceServerTransaction,
  context: ChangeContext,
  input: NewResourceServer,
): Promise<ChangeOutcome<ResourceServer, ChangeRefusal>> {
  const { name, audience } = input
  if (name === reservedName) return refuseChange('resource_server.reserved', `the name ${name} is reserved`, 'name')
  if ((await tx.resourceServers.find(name)) !== undefined) {
    return refuseChange('resource_server.name_taken', `there is a resource server ${name} already`, 'name')
  }
  const taken = await audienceTaken(tx.resourceServers, audience)
  if (taken !== undefined) return taken
  const scopeNames = new Set(input.scopes.map((scope) => scope.name))
  const rules = readEndpointRules(name, scopeNames, input.endpointRules ?? [])
  if (!rules.ok) return rules
  const server: ResourceServer = {
    name,
    audience,
    exclusive: input.exclusive,
    scopes: sortScopes(input.scopes),
    tokenTtlSeconds: input.tokenTtlSeconds,
    endpointRules: rules.value,
    endpointRulesVersion: rules.value.length === 0 ? 0 : 1,
    clientId: undefined,
    createdAt: context.now,
    updatedAt: context.now,
    revision: 1,
  }
  await tx.resourceServers.insert(server)
  return {
    ...done(server),
    event: { name: 'resource_server.created', subject: name, details: auditedResourceServer(server) },
  }
}
