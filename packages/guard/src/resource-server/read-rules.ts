import { isScopeName, readEndpointPattern, type EndpointPattern } from '@latchkey/protocol'
import { hasOnly, isRecord, isVersion } from '../network/read-network-claim.ts'

/** What one kind of call needs, read. */
export interface Rule {
  readonly pattern: EndpointPattern
  /** All of these; none: any token of this API. */
  readonly scopes: readonly string[]
  readonly allowedIp: boolean
  readonly certificate: boolean
}

export interface Rules {
  /** The first that matches decides. */
  readonly list: readonly Rule[]
  readonly version: number
}

const maxRules = 10_000

/** Why a document says nothing here. */
export type RulesRefusal =
  /** The credential is another API's, or this one is registered with another audience. */
  'rules.another_api' | 'rules.not_understood'

/**
 * Reads the document of a resource server. Strictly: it is refused when anything in it is not understood, since a member that is not known here may ask for more
 * than this version checks.
 */
export function readRules(document: unknown, resourceServer: string, audience: string): Rules | RulesRefusal {
  if (!isRecord(document)) return 'rules.not_understood'
  const { resource_server: name, audience: meant, endpoint_rules: rules, version } = document
  if (name !== resourceServer || meant !== audience) return 'rules.another_api'
  if (!isVersion(version) || !Array.isArray(rules) || rules.length > maxRules) return 'rules.not_understood'
  const list: Rule[] = []
  for (const each of rules as unknown[]) {
    const rule = readRule(each, `${resourceServer}/`)
    if (rule === undefined) return 'rules.not_understood'
    list.push(rule)
  }
  return { list, version }
}

function readRule(value: unknown, scopePrefix: string): Rule | undefined {
  if (!isRecord(value) || !hasOnly(value, ['endpoint', 'scopes', 'allowed_ip', 'certificate'])) return undefined
  const { endpoint, scopes, allowed_ip: allowedIp, certificate } = value
  const read = typeof endpoint === 'string' ? readEndpointPattern(endpoint) : undefined
  if (read?.ok !== true || !Array.isArray(scopes)) return undefined
  const isScope = (scope: unknown): scope is string =>
    typeof scope === 'string' && scope.startsWith(scopePrefix) && isScopeName(scope.slice(scopePrefix.length))
  if (!scopes.every(isScope) || !isTrueOrAbsent(allowedIp) || !isTrueOrAbsent(certificate)) return undefined
  return { pattern: read.pattern, scopes, allowedIp: allowedIp === true, certificate: certificate === true }
}

function isTrueOrAbsent(value: unknown): value is true | undefined {
  return value === true || value === undefined
}
