import { createHash } from 'node:crypto'
import type { EpochMs } from '@latchkey/protocol'
import type { AllowedAddress, NetworkRules } from '../network-policy/network-policy.ts'
import type { ResourceServerRule } from '../resource-servers/endpoint-rules.ts'
import { networkAfter } from './declared-network.ts'
import type { ClientStep, Plan, ResourceServerStep, Step } from './plan.ts'

/** One thing that changes, as scalars: `before` is null for what is added, `after` for what is taken away. */
export interface StepChange {
  readonly field: string
  readonly before: string | number | boolean | null
  readonly after: string | number | boolean | null
}

/** A list has one change for each item that comes or goes. */
export function stepChanges(step: Step): StepChange[] {
  return step.kind === 'client' ? clientChanges(step) : resourceServerChanges(step)
}

export function stepAction({ before, after }: Step): 'create' | 'update' | 'delete' {
  if (before === undefined) return 'create'
  return after === undefined ? 'delete' : 'update'
}

/**
 * Names a plan: SHA-256, base64url, over every step and the revision that it starts from. Two plans with one digest do the same to the
 * same. No secret goes in, and nothing rests on its being hard to guess.
 */
export function planDigest({ steps }: Plan): string {
  const content = steps.map((step) => [
    step.kind,
    step.id,
    stepAction(step),
    step.before?.revision ?? 0,
    step.before?.createdAt ?? 0,
    stepChanges(step),
    step.endsTokensOf,
  ])
  return createHash('sha256').update(JSON.stringify(content)).digest('base64url')
}

function resourceServerChanges({ before, after }: ResourceServerStep): StepChange[] {
  const changes = [
    change('audience', before?.audience, after?.audience),
    change('exclusive', before?.exclusive ?? false, after?.exclusive ?? false),
    change('token_ttl_seconds', before?.tokenTtlSeconds, after?.tokenTtlSeconds),
    ...listChanges(
      'scopes',
      before?.scopes.map(({ name }) => name),
      after?.scopes.map(({ name }) => name),
    ),
  ]
  const known = new Map(before?.scopes.map(({ name, description }) => [name, description]))
  const descriptions = (after?.scopes ?? []).map(({ name, description }) =>
    change(`scopes.${name}.description`, known.get(name) || undefined, description || undefined),
  )
  const rules = after === undefined ? undefined : (after.endpointRules ?? before?.endpointRules ?? [])
  const ruleChanges = listChanges('endpoint_rules', before?.endpointRules.map(ruleLine), rules?.map(ruleLine))
  return [...changes, ...descriptions, ...ruleChanges].filter((each) => each.before !== each.after)
}

function clientChanges({ before, after }: ClientStep): StepChange[] {
  const stateBefore = before?.state ?? 'enabled'
  const methodBefore = before?.authentication ?? 'secret'
  return [
    change('name', before?.name, after?.name),
    change('state', stateBefore, after?.state ?? stateBefore),
    change('authentication', methodBefore, after?.authentication ?? methodBefore),
    change('token_ttl_seconds', before?.tokenTtlSeconds, after?.tokenTtlSeconds),
    change('contact_address', before?.contactAddress, after?.contactAddress ?? (after && before?.contactAddress)),
    ...listChanges('scopes', before?.scopes, after?.scopes),
    ...endChanges({ before, after }),
    ...networkChanges({ before, after }),
  ].filter((each) => each.before !== each.after)
}

/** A scope that goes takes its end with it: of that nothing is said. */
function endChanges({ before, after }: Pick<ClientStep, 'before' | 'after'>): StepChange[] {
  const ends = after?.scopeEnds ?? before?.scopeEnds
  return (after?.scopes ?? [])
    .toSorted()
    .map((scope) => change(`scope_ends.${scope}`, isoMoment(before?.scopeEnds[scope]), isoMoment(ends?.[scope])))
}

/** Their order says which decides: a rule at another place is another line. */
function ruleLine({ endpoint, scopes, allowedIp, certificate }: ResourceServerRule, i: number): string {
  const needs = [...scopes, ...(allowedIp ? ['allowed-ip'] : []), ...(certificate ? ['certificate'] : [])]
  return `${i + 1}. ${endpoint} = ${needs.join(',')}`
}

function networkChanges({ before, after }: Pick<ClientStep, 'before' | 'after'>): StepChange[] {
  const had = before?.network?.rules
  const read = after === undefined ? undefined : networkAfter(before, after.network)
  const has = read?.ok === true ? read.value : undefined
  return [
    change('network.mode', had?.mode, has?.mode),
    ...listChanges('network.allow', had?.allow.map(addressLine), has?.allow.map(addressLine)),
    ...listChanges('network.covers', had && coverageLines(had), has && coverageLines(has)),
  ]
}

function addressLine({ cidr, note, endsAt }: AllowedAddress): string {
  const about = [note, endsAt === undefined ? undefined : `until ${isoMoment(endsAt)}`].filter(
    (part) => part !== undefined,
  )
  return about.length === 0 ? cidr : `${cidr} (${about.join(', ')})`
}

function coverageLines({ covers }: NetworkRules): string[] {
  if (covers === undefined) return ['everything']
  return [
    ...(covers.tokenEndpoint ? ['the token endpoint'] : []),
    ...covers.apis.flatMap(({ name, endpoints }) => endpoints?.map((endpoint) => `${name} ${endpoint}`) ?? [name]),
  ]
}

/** As a document writes it: whole seconds in UTC. */
export function isoMoment(at: EpochMs | undefined): string | undefined {
  return at === undefined ? undefined : new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z')
}

function change(
  field: string,
  before: StepChange['before'] | undefined,
  after: StepChange['after'] | undefined,
): StepChange {
  return { field, before: before ?? null, after: after ?? null }
}

function listChanges(field: string, before: readonly string[] = [], after: readonly string[] = []): StepChange[] {
  const had = new Set(before)
  const has = new Set(after)
  return [...new Set([...before, ...after])]
    .toSorted()
    .map((item) => ({ field, before: had.has(item) ? item : null, after: has.has(item) ? item : null }))
}
