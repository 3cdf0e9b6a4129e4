import { adminAudience, adminResourceServer, adminScopes } from '@latchkey/admin-contract'
import type { Change, ChangeContext } from '../../audit/change.ts'
import { Fault } from '../../kernel/faults.ts'
import { done, refused } from '../../kernel/result.ts'
import type { ResourceServerWrites } from '../../resource-servers/ports.ts'
import { auditedResourceServer, sortScopes } from '../../resource-servers/resource-server-changes.ts'
import type { ResourceServer } from '../../resource-servers/resource-server.ts'

/** Life of an administrator's token, in seconds. Short: a command takes a new one each time. */
const tokenTtlSeconds = 900

/**
 * Sees to it that Latchkey's own resource server is there with every scope of this version. Run at each start. Never takes a scope away: an older
 * server on the same database may still know it. Throws Fault `admin_audience.taken`, `store.unavailable`.
 */
export async function keepAdminResourceServer(
  change: Change<{ readonly resourceServers: ResourceServerWrites }>,
  context: ChangeContext,
): Promise<void> {
  await change(context, async ({ resourceServers }) => {
    const before = await resourceServers.find(adminResourceServer)
    const after = complete(before, context)
    if (after === before) return refused('nothing to do')
    if (before === undefined) {
      const other = await resourceServers.findByAudience(adminAudience)
      if (other !== undefined) throw audienceTaken(other.name)
      await resourceServers.insert(after)
    } else await resourceServers.update(after)
    return {
      ...done(undefined),
      event: {
        name: before === undefined ? 'resource_server.created' : 'resource_server.updated',
        subject: adminResourceServer,
        details: auditedResourceServer(after),
      },
    }
  })
}

/** `before` itself when it lacks nothing. */
function complete(before: ResourceServer | undefined, { now }: ChangeContext): ResourceServer {
  const known = new Set(before?.scopes.map(({ name }) => name))
  const missing = Object.entries(adminScopes).filter(([name]) => !known.has(name))
  if (before !== undefined && missing.length === 0) return before
  const added = missing.map(([name, description]) => ({ name, description }))
  return {
    name: adminResourceServer,
    audience: adminAudience,
    exclusive: true,
    scopes: sortScopes([...(before?.scopes ?? []), ...added]),
    tokenTtlSeconds,
    endpointRules: [],
    endpointRulesVersion: 0,
    clientId: undefined,
    createdAt: before?.createdAt ?? now,
    updatedAt: now,
    revision: (before?.revision ?? 0) + 1,
  }
}

function audienceTaken(name: string): Fault {
  return new Fault(
    'admin_audience.taken',
    `resource server ${name} has the audience ${adminAudience}, which is the admin API's`,
    `give ${name} another audience with the version that made it`,
  )
}
