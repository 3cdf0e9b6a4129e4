import type { Brand } from './brand.ts'

/** One scope as it travels: `<resource server>/<scope>`, for example `configurations/configurations.read`. */
export type Scope = Brand<string, 'Scope'>

/** scope-token of RFC 6749 §3.3: %x21 / %x23-5B / %x5D-7E. */
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/**
 * What Latchkey lets an operator name: narrower than RFC 6749 §3.3, so that a scope can stand in a URL, a shell word and a
 * YAML key without quotes. The part before the slash is the resource server's name.
 */
const resourceServerName = /^[a-z0-9][a-z0-9.-]{0,62}$/
const scopeName = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,126}$/

/** Longest `scope` parameter that is read, in characters. */
export const maxScopeParameterLength = 8192

/**
 * Splits a `scope` parameter or claim into its scope tokens, in the order given and without repetitions.
 * Returns `undefined` when it breaks the grammar of RFC 6749 §3.3 (a character outside the set, a leading, trailing or doubled space).
 * Does not check that a scope exists or that anybody holds it.
 */
export function parseScope(value: string): Scope[] | undefined {
  if (value === '') return []
  if (value.length > maxScopeParameterLength) return undefined
  const tokens = new Set<Scope>()
  for (const token of value.split(' ')) {
    if (!scopeToken.test(token)) return undefined
    tokens.add(token as Scope)
  }
  return [...tokens]
}

/** The inverse of {@link parseScope}: scope tokens delimited by single spaces (RFC 6749 §3.3). */
export function formatScope(scopes: readonly Scope[]): string {
  return scopes.join(' ')
}

/** The resource server's name in a scope: all before the first slash; `undefined` when there is none. */
export function resourceServerOf(scope: Scope): string | undefined {
  const slash = scope.indexOf('/')
  return slash > 0 ? scope.slice(0, slash) : undefined
}

/** Joins a resource server's name and the scope's own name. Checks neither; see {@link isResourceServerName} and {@link isScopeName}. */
export function qualifyScope(resourceServer: string, name: string): Scope {
  return `${resourceServer}/${name}` as Scope
}

/** Whether this may name a resource server: 1 to 63 of `a-z 0-9 . -`, beginning with a letter or a digit. */
export function isResourceServerName(value: string): boolean {
  return resourceServerName.test(value)
}

/** Whether this may name a scope within its resource server: 1 to 127 of `A-Z a-z 0-9 . _ : -`, beginning with a letter or a digit. */
export function isScopeName(value: string): boolean {
  return scopeName.test(value)
}
