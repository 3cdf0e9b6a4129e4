import { qualifyScope, readEndpointPattern, resourceServerOf, type Scope } from '@latchkey/protocol'
import { refuseChange, type ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'

/** What one kind of call of an API needs; in their order, the first whose endpoint matches decides. */
export interface ResourceServerRule {
  /** `POST /configurations/**`, in its one spelling. */
  readonly endpoint: string
  /** Own names, without the prefix; all of them are needed. Sorted. */
  readonly scopes: readonly string[]
  /** The token has to say where its client may call from. */
  readonly allowedIp: boolean
  /** The token has to be bound to a certificate. */
  readonly certificate: boolean
}

/**
 * Rules in their one spelling. Scopes may be given with or without the prefix. Refuses with `rule.invalid`, and `scope.unknown` naming every scope that the
 * API does not have; a field is a dotted path below `field`.
 */
export function readEndpointRules(
  name: string,
  scopeNames: ReadonlySet<string>,
  written: readonly ResourceServerRule[],
  field = 'endpoint_rules',
): Result<ResourceServerRule[], ChangeRefusal> {
  const rules: ResourceServerRule[] = []
  const unknown = new Set<string>()
  let firstUnknown: string | undefined
  for (const [i, rule] of written.entries()) {
    const read = readEndpointPattern(rule.endpoint)
    if (!read.ok) {
      const message = `${JSON.stringify(rule.endpoint.slice(0, 100))}: ${read.problem}`
      return refuseChange('rule.invalid', message, `${field}.${i}.endpoint`)
    }
    const endpoint = read.pattern.text
    if (rules.some((before) => before.endpoint === endpoint)) {
      const message = `${endpoint} has a rule already, and the first that matches decides`
      return refuseChange('rule.invalid', message, `${field}.${i}.endpoint`)
    }
    const scopes = rule.scopes.map((scope) =>
      resourceServerOf(scope as Scope) === name ? scope.slice(name.length + 1) : scope,
    )
    for (const [j, scope] of scopes.entries()) {
      if (scopeNames.has(scope)) continue
      unknown.add(scope)
      firstUnknown ??= `${field}.${i}.scopes.${j}`
    }
    rules.push({ ...rule, endpoint, scopes: [...new Set(scopes)].toSorted() })
  }
  if (unknown.size === 0) return done(rules)
  return refuseChange('scope.unknown', `${name} has no scope ${[...unknown].toSorted().join(', ')}`, firstUnknown)
}

/** The first rule that needs one of these scopes. */
export function ruleNeeding(
  rules: readonly ResourceServerRule[],
  scopes: ReadonlySet<string>,
): ResourceServerRule | undefined {
  return rules.find((rule) => rule.scopes.some((scope) => scopes.has(scope)))
}

/** Its scopes as tokens carry them. */
export function qualifiedScopes(name: string, { scopes }: ResourceServerRule): Scope[] {
  return scopes.map((scope) => qualifyScope(name, scope))
}
