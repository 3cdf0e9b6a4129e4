import { qualifyScope, resourceServerOf, type Scope } from '@latchkey/protocol'
import { letsInOthers } from '../clients/authentication.ts'
import type { Client } from '../clients/client.ts'
import { endsLater } from '../clients/scope-ends.ts'
import { narrows } from '../network-policy/narrows.ts'
import { readNetworkRules } from '../network-policy/read-network-rules.ts'
import { fewOf } from '../resource-servers/resource-server-changes.ts'
import type { Declaration, DeclaredClient } from './declaration.ts'
import { networkAfter } from './declared-network.ts'
import { rulesAfter } from './declared-rules.ts'
import { ownResourceServer, type PlanOptions, type PlanProblem, type ResourceServerStep, type Step } from './plan.ts'
import type { RegistryState } from './registry-state.ts'

/** What stands against the steps of a plan, so that all of it can be said before any of it is tried. Pure. */
export function findProblems(
  declaration: Declaration,
  state: RegistryState,
  steps: readonly Step[],
  options: PlanOptions,
): PlanProblem[] {
  return [
    ...resourceServerProblems(declaration, state),
    ...ruleProblems(declaration, state),
    ...clientProblems(declaration, state, steps, options),
    ...orphanedHolders(declaration, state, steps),
  ]
}

function resourceServerProblems({ resourceServers = [] }: Declaration, state: RegistryState): PlanProblem[] {
  const byAudience = new Map(state.resourceServers.map((server) => [server.audience, server.name]))
  return resourceServers.flatMap(({ name, audience }, i) => {
    if (name === ownResourceServer) {
      const message = `the resource server ${name} is Latchkey's own: it is built in and stands in no file`
      return [{ field: `resource_servers.${i}.name`, message }]
    }
    const holder = byAudience.get(audience)
    if (holder === undefined || holder === name) return []
    const message = `${holder} has the audience ${audience}; give it another, or delete it, in an apply of its own before this one`
    return [{ field: `resource_servers.${i}.audience`, message }]
  })
}

/** Rules that cannot be taken, and rules whose scopes the document takes away without a word about them. */
function ruleProblems({ resourceServers = [] }: Declaration, state: RegistryState): PlanProblem[] {
  return resourceServers.flatMap((after, i) => {
    const rules = rulesAfter(
      state.resourceServers.find(({ name }) => name === after.name),
      after,
    )
    if (rules.ok) return []
    const { message, field = 'endpoint_rules' } = rules.refusal
    const isSilent = after.endpointRules === undefined
    return [
      {
        field: `resource_servers.${i}.${isSilent ? 'scopes' : field}`,
        message: isSilent
          ? `its endpoint rules, of which the file says nothing, need what would go: ${message}`
          : message,
      },
    ]
  })
}

function clientProblems(
  declaration: Declaration,
  state: RegistryState,
  steps: readonly Step[],
  { mayAdminister, reservedClientIds, now }: PlanOptions,
): PlanProblem[] {
  const scopes = scopesAfterwards(declaration, state, steps)
  const names = new Set([...state.resourceServers, ...(declaration.resourceServers ?? [])].map(({ name }) => name))
  const present = new Map(state.clients.map((client) => [client.clientId, client]))
  const changed = new Set(steps.filter(({ kind }) => kind === 'client').map(({ id }) => id))
  const credentials = new Map(state.resourceServers.map((server) => [server.clientId, server.name]))
  return (declaration.clients ?? []).flatMap((client, i): PlanProblem[] => {
    if (reservedClientIds.has(client.clientId)) {
      const message = `${client.clientId} has a meaning of its own in the audit log`
      return [{ field: `clients.${i}.client_id`, message }]
    }
    const owner = credentials.get(client.clientId)
    if (owner !== undefined) {
      const message = `${client.clientId} is the credential of the resource server ${owner}`
      return [{ field: `clients.${i}.client_id`, message }]
    }
    const unknown = client.scopes.flatMap((scope, j) => {
      if (scopes.has(scope)) return []
      return [
        { field: `clients.${i}.scopes.${j}`, message: `there is no scope ${scope}, in the file or on the server` },
      ]
    })
    const before = present.get(client.clientId)
    const problems = [...unknown, ...networkProblems(before, client, names, i)]
    if (problems.length > 0 || !changed.has(client.clientId)) return problems
    const beyond = scopeBeyond(before, client, { mayAdminister, now })
    if (beyond === undefined) return []
    const message = `this would make ${client.clientId} larger, who holds or gets ${beyond}: the caller does not hold that itself`
    return [{ field: `clients.${i}.scopes`, message }]
  })
}

/** An address or pattern that cannot be taken, or an API that is not there and was not named before. */
function networkProblems(
  before: Client | undefined,
  { network }: DeclaredClient,
  apis: ReadonlySet<string>,
  i: number,
): PlanProblem[] {
  if (network === undefined || network === 'lifted') return []
  const field = `clients.${i}.network`
  const read = readNetworkRules(network)
  if (!read.ok) return [{ field: `${field}.${read.refusal.field}`, message: read.refusal.message }]
  const known = new Set(before?.network?.rules?.covers?.apis.map(({ name }) => name))
  return (network.covers?.apis ?? []).flatMap(({ name }, j) => {
    if (apis.has(name) || known.has(name)) return []
    return [
      {
        field: `${field}.covers.apis.${j}.name`,
        message: `there is no resource server ${name}, in the file or on the server`,
      },
    ]
  })
}

/**
 * A scope of the admin API that stands against this change: one that would be handed on, or that is held by whoever would get more of anything.
 * Anybody may be made smaller: in an emergency that must not wait.
 */
function scopeBeyond(
  before: Client | undefined,
  after: DeclaredClient,
  { mayAdminister, now }: Pick<PlanOptions, 'mayAdminister' | 'now'>,
): Scope | undefined {
  const network = networkAfter(before, after.network)
  const isBeyond = (scope: Scope) => resourceServerOf(scope) === ownResourceServer && !mayAdminister(scope)
  const added = after.scopes.filter((scope) => before?.scopes.includes(scope) !== true)
  const isLarger =
    added.length > 0 ||
    (before !== undefined &&
      after.scopeEnds !== undefined &&
      endsLater(after.scopes, before.scopeEnds, after.scopeEnds)) ||
    (before?.state === 'disabled' && after.state === 'enabled') ||
    (before !== undefined && letsInOthers(before.authentication, after.authentication ?? before.authentication)) ||
    (after.tokenTtlSeconds ?? Infinity) > (before?.tokenTtlSeconds ?? Infinity) ||
    (before !== undefined && network.ok && narrows(network.value, before.network?.rules, now))
  return isLarger ? after.scopes.find((scope) => isBeyond(scope)) : undefined
}

/** Scopes that are taken away or go with their resource server, and that somebody who stays as he is would still hold. */
function orphanedHolders(declaration: Declaration, state: RegistryState, steps: readonly Step[]): PlanProblem[] {
  const named = new Set([
    ...(declaration.clients ?? []).map(({ clientId }) => clientId),
    ...steps.filter(({ kind, after }) => kind === 'client' && after === undefined).map(({ id }) => id),
  ])
  const staying = state.clients.filter(({ clientId }) => !named.has(clientId))
  return steps
    .filter((step): step is ResourceServerStep => step.kind === 'resource_server' && step.before !== undefined)
    .flatMap((step) => {
      const gone = new Set(goneScopes(step))
      const holders = staying.filter((client) => client.scopes.some((scope) => gone.has(scope)))
      if (holders.length === 0) return []
      const what =
        step.after === undefined ? `the resource server ${step.id} would go` : `scopes of ${step.id} would go`
      const who = fewOf(holders.map(({ clientId }) => clientId))
      const message = `${what}, and ${holders.length} client(s) that the file does not name hold them: ${who}. Name them without these scopes`
      const i = declaration.resourceServers?.findIndex(({ name }) => name === step.id) ?? -1
      return [{ field: i === -1 ? '' : `resource_servers.${i}.scopes`, message }]
    })
}

/** The scopes that a step takes from its resource server. */
export function goneScopes({ id, before, after }: ResourceServerStep): Scope[] {
  const kept = new Set(after?.scopes.map(({ name }) => name))
  return (before?.scopes ?? []).filter(({ name }) => !kept.has(name)).map(({ name }) => qualifyScope(id, name))
}

function scopesAfterwards(
  { resourceServers = [] }: Declaration,
  state: RegistryState,
  steps: readonly Step[],
): Set<Scope> {
  const replaced = new Set([
    ...resourceServers.map(({ name }) => name),
    ...steps.filter(({ kind }) => kind === 'resource_server').map(({ id }) => id),
  ])
  const servers = [...state.resourceServers.filter(({ name }) => !replaced.has(name)), ...resourceServers]
  return new Set(servers.flatMap(({ name, scopes }) => scopes.map((scope) => qualifyScope(name, scope.name))))
}
