import { isScopeName, type Brand } from '@latchkey/protocol'
import { GuardConfigurationError } from './configuration-error.ts'

/** What an API developer writes at a route. */
export interface RouteDeclaration {
  /** All of these are needed; at least one: `['configurations/configurations.read']`. */
  readonly scopes: readonly string[]
}

/** A declaration that was checked. Only `guard.declare` makes one. */
export type RouteRequirement = Brand<{ readonly scopes: readonly string[] }, 'RouteRequirement'>

/**
 * Checks a route's declaration. Throws {@link GuardConfigurationError} when it names no scope (any token for this API would then pass), or one that no
 * token can carry here. Does not check that the issuer knows the scope.
 */
export function readRouteDeclaration(declaration: RouteDeclaration, resourceServer: string): RouteRequirement {
  const scopes: unknown = declaration?.scopes
  const unknown = Object.keys(declaration ?? {}).filter((name) => name !== 'scopes')
  if (unknown.length > 0) {
    throw new GuardConfigurationError(
      `A route declares ${unknown.join(', ')}, which the guard does not know`,
      'Declare only scopes',
    )
  }
  if (!Array.isArray(scopes) || scopes.length === 0) {
    throw new GuardConfigurationError(
      'A route declares no scopes',
      `Name at least one scope that it needs: { scopes: ['${resourceServer}/…'] }`,
    )
  }
  const prefix = `${resourceServer}/`
  for (const scope of scopes as unknown[]) {
    if (typeof scope === 'string' && scope.startsWith(prefix) && isScopeName(scope.slice(prefix.length))) continue
    throw new GuardConfigurationError(
      `A route declares ${JSON.stringify(scope)}, which is no scope of the resource server ${resourceServer}`,
      `Write it in full, as ${prefix}<scope>`,
    )
  }
  return { scopes: Object.freeze([...(scopes as string[])]) } as RouteRequirement
}
