import type { EndpointRule } from '@latchkey/admin-contract'
import { readEndpointPattern } from '@latchkey/protocol'
import { parse } from 'yaml'
import { Failure, misuse } from '../../failure.ts'

/** What an OpenAPI document says of its calls, and what it says that no rule can. */
export interface ImportedRules {
  /** More precise endpoints before those that match more. */
  readonly rules: readonly EndpointRule[]
  /** One sentence each. A call without a rule is refused where rules are used. */
  readonly skipped: readonly string[]
}

type Json = Readonly<Record<string, unknown>>

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace', 'query']

/** Aliases make a small file a large one. */
const maxAliases = 100

/**
 * Reads paths, methods and security requirements of an OpenAPI 3.0 or 3.1 document, YAML or JSON (OAS 3.1.1 §4.8.30). Scopes of oauth2, openIdConnect and bearer schemes
 * become scopes, mutualTLS a certificate. The path of the servers stands before every path. Fails with a misuse for what is no such document.
 * References to other files are not followed.
 */
export function readOpenApi(text: string, name: string): ImportedRules {
  const document = parseText(text, name)
  const version = document['openapi']
  if (typeof version !== 'string' || !/^3\.[01]\./.test(version)) {
    throw misuse(`${name} is no OpenAPI document of version 3.0 or 3.1`, 'its first line says which it is')
  }
  const schemes = objectAt(objectAt(document, 'components'), 'securitySchemes')
  const skipped: string[] = []
  const rules = new Map<string, EndpointRule>()
  for (const [path, item] of Object.entries(objectAt(document, 'paths'))) {
    const operations = resolve(document, item)
    const base = basePath(operations['servers'] ?? document['servers'], `${name}: ${path}`)
    for (const method of methods) {
      const operation = operations[method]
      if (!isObject(operation)) continue
      const call = `${method.toUpperCase()} ${base}${path}`
      const rule = readOperation(call, operation['security'] ?? document['security'], schemes)
      if (typeof rule === 'string') skipped.push(`${call}: ${rule}`)
      else if (rules.has(rule.endpoint)) skipped.push(`${call}: ${rule.endpoint} stands there already`)
      else rules.set(rule.endpoint, rule)
    }
  }
  return { rules: [...rules.values()].toSorted(byPrecision), skipped }
}

/** The rule, or why there is none. */
function readOperation(call: string, security: unknown, schemes: Json): EndpointRule | string {
  const pattern = readEndpointPattern(call)
  if (!pattern.ok) return pattern.problem
  const needs = readSecurity(security, schemes)
  return typeof needs === 'string' ? needs : { endpoint: pattern.pattern.text, ...needs }
}

function readSecurity(security: unknown, schemes: Json): Omit<EndpointRule, 'endpoint'> | string {
  if (!Array.isArray(security) || security.length === 0) return 'it needs no token, which no rule can say'
  const [first, ...others] = security as unknown[]
  if (others.length > 0) return 'one of several ways is enough, which no rule can say'
  if (!isObject(first)) return 'its security cannot be read'
  const names = Object.keys(first)
  if (names.length === 0) return 'it may be called without a token, which no rule can say'
  const scopes = new Set<string>()
  let isByToken = false
  let certificate: true | undefined
  for (const schemeName of names) {
    const scheme = schemes[schemeName]
    const kind = isObject(scheme) ? kindOf(scheme) : undefined
    const listed = first[schemeName]
    if (kind === undefined) return `the security scheme ${schemeName} is none that tokens of this server answer`
    if (kind === 'certificate') certificate = true
    else {
      isByToken = true
      for (const scope of Array.isArray(listed) ? listed : []) if (typeof scope === 'string') scopes.add(scope)
    }
  }
  return isByToken
    ? { scopes: [...scopes].toSorted(), certificate }
    : 'it needs a certificate and no token, which no rule can say'
}

function kindOf(scheme: Json): 'token' | 'certificate' | undefined {
  const { type, scheme: http } = scheme
  if (type === 'mutualTLS') return 'certificate'
  if (type === 'oauth2' || type === 'openIdConnect') return 'token'
  return type === 'http' && String(http).toLowerCase() === 'bearer' ? 'token' : undefined
}

/** What stands before paths: all servers have to agree, or which one is meant would be guessed. */
function basePath(servers: unknown, where: string): string {
  if (!Array.isArray(servers) || servers.length === 0) return ''
  const paths = new Set(
    servers.map((server: unknown) => {
      const written = isObject(server) ? server['url'] : undefined
      const url = typeof written === 'string' ? written : ''
      const path = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '').replace(/\/+$/, '')
      return path.includes('{') ? undefined : path
    }),
  )
  const [path] = paths
  if (paths.size > 1 || path === undefined) {
    throw misuse(`${where}: its servers have several paths, or one with variables`, 'leave one server in the file')
  }
  return path
}

/** As OpenAPI matches paths: a written segment before one that is anything. */
function byPrecision(a: EndpointRule, b: EndpointRule): number {
  const [methodA = '', pathA = ''] = a.endpoint.split(' ')
  const [methodB = '', pathB = ''] = b.endpoint.split(' ')
  const key = (path: string) =>
    path
      .split('/')
      .map((segment) => (segment === '*' ? '\u{10ffff}' : segment))
      .join('/')
  const [left, right] = [key(pathA) + methodA, key(pathB) + methodB]
  return left < right ? -1 : left > right ? 1 : 0
}

/** Within the document only: another file may be anybody's, and may be another tomorrow. */
function resolve(document: Json, item: unknown): Json {
  if (!isObject(item)) return {}
  const reference = item['$ref']
  if (reference === undefined) return item
  const text = typeof reference === 'string' ? reference.slice(0, 100) : 'no text'
  if (!text.startsWith('#/')) {
    throw misuse(`a path of the document is in another file: ${text}`, 'bundle it into one file first')
  }
  const unescape = (key: string) => key.replaceAll('~1', '/').replaceAll('~0', '~')
  const found = text
    .slice(2)
    .split('/')
    .reduce<unknown>((at, key) => (isObject(at) ? at[unescape(key)] : undefined), document)
  if (isObject(found)) return found
  throw misuse(`a path of the document refers to what is not there: ${text}`, 'correct the reference')
}

function parseText(text: string, name: string): Json {
  try {
    const document: unknown = parse(text, { maxAliasCount: maxAliases })
    if (isObject(document)) return document
  } catch (error) {
    if (error instanceof Failure) throw error
    throw misuse(
      `${name} cannot be read: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'no YAML'}`,
      'it has to be YAML or JSON',
    )
  }
  throw misuse(`${name} is no OpenAPI document`, 'it has to be YAML or JSON')
}

function objectAt(object: Json, key: string): Json {
  const value = object[key]
  return isObject(value) ? value : {}
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
