import { resourceServerOf, type Scope } from '@latchkey/protocol'
import { refuseChange, type ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import type { ResourceServerWrites } from '../resource-servers/ports.ts'

/** Whether every scope is registered; answers them sorted and once each. Refuses with `scope.unknown`, naming the first that is not. */
export async function checkScopes(
  resourceServers: ResourceServerWrites,
  scopes: readonly Scope[],
): Promise<Result<Scope[], ChangeRefusal>> {
  const distinct = [...new Set(scopes)].toSorted()
  for (const scope of distinct) {
    const name = resourceServerOf(scope) ?? ''
    const server = await resourceServers.find(name)
    if (server?.scopes.some((candidate) => scope === `${name}/${candidate.name}`) !== true) {
      const known = server?.scopes.map((candidate) => `${name}/${candidate.name}`).join(', ')
      return refuseChange(
        'scope.unknown',
        `there is no scope ${scope}${known ? `; ${name} has ${known}` : ''}`,
        'scopes',
      )
    }
  }
  return done(distinct)
}
