import { isDeepStrictEqual } from 'node:util'
import type { ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import { readEndpointRules, type ResourceServerRule } from '../resource-servers/endpoint-rules.ts'
import type { ResourceServer } from '../resource-servers/resource-server.ts'
import type { DeclaredResourceServer } from './declaration.ts'

/** The endpoint rules that a resource server will have; where the declaration is silent, those that it has, as far as their scopes stay. */
export function rulesAfter(
  before: ResourceServer | undefined,
  { name, scopes, endpointRules }: DeclaredResourceServer,
): Result<readonly ResourceServerRule[], ChangeRefusal> {
  const names = new Set(scopes.map((scope) => scope.name))
  const wanted = endpointRules ?? before?.endpointRules ?? []
  return wanted.length === 0 ? done([]) : readEndpointRules(name, names, wanted)
}

export function hasSameRules(before: ResourceServer, after: DeclaredResourceServer): boolean {
  const rules = rulesAfter(before, after)
  return rules.ok && isDeepStrictEqual(before.endpointRules, rules.value)
}
