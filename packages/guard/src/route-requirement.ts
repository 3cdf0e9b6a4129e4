import { isScopeName, type Brand } from '@latchkey/protocol'
import { GuardConfigurationError } from './configuration-error.ts'

/** What an API developer writes at a route. */
export interface RouteDeclaration {
  /** All of these are needed; at least one: `['configurations/configurations.read']`. */
  readonly scopes: readonly string[]
  /** The token has to say where its client may call from, and be used from there. One that says nothing is refused; a policy that a token does carry is enforced everywhere. */
  readonly allowedIp?: true
  /** The token has to be bound to a certificate (RFC 8705 §3). One that is bound is checked everywhere. */
  readonly certificate?: true
}

/** `'rules'`: what the issuer says of this API's endpoints decides (`latchkey resource-server update --openapi`), by method and path of each request. */
export type RouteSaying = RouteDeclaration | 'rules'

/** A declaration that was checked. Only `guard.declare` makes one. */
export type RouteRequirement = Brand<RouteNeeds & { readonly followsRules: boolean }, 'RouteRequirement'>

/** What a call needs. */
export interface RouteNeeds {
  readonly scopes: readonly string[]
  readonly allowedIp: boolean
  readonly certificate: boolean
}

const declarationNames: Readonly<Record<keyof RouteDeclaration, true>> = {
  scopes: true,
  allowedIp: true,
  certificate: true,
}

/**
 * Checks a route's declaration. Throws {@link GuardConfigurationError} when it names no scope (any token for this API would then pass), or one that no
 * token can carry here. Does not check that the issuer knows the scope.
 */
export function readRouteDeclaration(declaration: RouteSaying, resourceServer: string): RouteRequirement {
  if (declaration === 'rules') {
    return { scopes: [], allowedIp: false, certificate: false, followsRules: true } as unknown as RouteRequirement
  }
  const unknown = Object.keys(declaration ?? {}).filter((name) => !Object.hasOwn(declarationNames, name))
  if (unknown.length > 0) {
    throw new GuardConfigurationError(
      `A route declares ${unknown.join(', ')}, which the guard does not know`,
      'Declare scopes, allowedIp and certificate',
    )
  }
  for (const name of ['allowedIp', 'certificate'] as const) {
    const value: unknown = declaration?.[name]
    if (value === undefined || value === true) continue
    throw new GuardConfigurationError(
      `A route declares ${name}: ${JSON.stringify(value)}`,
      `Write ${name}: true, or leave it out`,
    )
  }
  return {
    scopes: readScopes(declaration?.scopes, resourceServer),
    allowedIp: declaration.allowedIp === true,
    certificate: declaration.certificate === true,
    followsRules: false,
  } as RouteRequirement
}

function readScopes(scopes: unknown, resourceServer: string): readonly string[] {
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
  return Object.freeze([...(scopes as string[])])
}
