import type { EpochMs } from '@latchkey/protocol'
import { endsTokens } from '../clients/authentication.ts'
import type { Client, ClientId } from '../clients/client.ts'
import { endsLater, isSameEnds } from '../clients/scope-ends.ts'
import { narrows } from '../network-policy/narrows.ts'
import type { ResourceServer } from '../resource-servers/resource-server.ts'
import type { Declaration, DeclaredClient, DeclaredResourceServer } from './declaration.ts'
import { isSameNetwork, networkAfter } from './declared-network.ts'
import { hasSameRules } from './declared-rules.ts'
import { findProblems } from './find-problems.ts'
import {
  administrates,
  ownResourceServer,
  type ClientStep,
  type Plan,
  type PlanOptions,
  type ResourceServerStep,
} from './plan.ts'
import type { RegistryState } from './registry-state.ts'

/** What has to be done so that the registry is what the declaration says. Pure. */
export function makePlan(declaration: Declaration, state: RegistryState, options: PlanOptions): Plan {
  const clients = clientSteps(declaration.clients, state, options)
  const servers = resourceServerSteps(declaration.resourceServers, state, options)
  const steps = [...servers.steps, ...clients.steps]
  return {
    steps,
    notInFile: { resourceServers: servers.notInFile, clients: clients.notInFile },
    problems: findProblems(declaration, state, steps, options),
  }
}

interface Steps<Step, Id> {
  readonly steps: Step[]
  readonly notInFile: Id[]
}

function resourceServerSteps(
  declared: readonly DeclaredResourceServer[] | undefined,
  state: RegistryState,
  { prune }: PlanOptions,
): Steps<ResourceServerStep, string> {
  const present = new Map(state.resourceServers.map((server) => [server.name, server]))
  const wanted = new Map((declared ?? []).map((server) => [server.name, server]))
  const unnamed = state.resourceServers.filter(({ name }) => name !== ownResourceServer && !wanted.has(name))
  const deleted = prune && declared !== undefined ? unnamed : []
  const changed = [...wanted.values()].filter((after) => !isSameResourceServer(present.get(after.name), after))
  const steps = [
    ...changed.map((after) => resourceServerStep(after.name, present.get(after.name), after, state)),
    ...deleted.map((before) => resourceServerStep(before.name, before, undefined, state)),
  ]
  return {
    steps: steps.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    notInFile: deleted.length > 0 ? [] : unnamed.map(({ name }) => name),
  }
}

function resourceServerStep(
  id: string,
  before: ResourceServer | undefined,
  after: DeclaredResourceServer | undefined,
  state: RegistryState,
): ResourceServerStep {
  const holders = before !== undefined && after !== undefined && isNarrower(before, after) ? holdersOf(id, state) : []
  return { kind: 'resource_server', id, before, after, endsTokensOf: holders }
}

function clientSteps(
  declared: readonly DeclaredClient[] | undefined,
  state: RegistryState,
  { prune, now }: PlanOptions,
): Steps<ClientStep, ClientId> {
  const present = new Map(state.clients.map((client) => [client.clientId, client]))
  const wanted = new Map((declared ?? []).map((client) => [client.clientId, client]))
  const unnamed = state.clients.filter(({ clientId }) => !wanted.has(clientId))
  // Whoever applies a file must not lock out everybody who could undo it.
  const deleted = prune && declared !== undefined ? unnamed.filter((client) => !administrates(client)) : []
  const gone = new Set(deleted.map(({ clientId }) => clientId))
  const steps: ClientStep[] = deleted.map((before) => ({
    kind: 'client',
    id: before.clientId,
    before,
    after: undefined,
    endsTokensOf: [before.clientId],
  }))
  for (const after of wanted.values()) {
    const before = present.get(after.clientId)
    if (before !== undefined && isSameClient(before, after)) continue
    const endsTokensOf = before !== undefined && losesAccess(before, after, now) ? [after.clientId] : []
    steps.push({ kind: 'client', id: after.clientId, before, after, endsTokensOf })
  }
  return {
    steps: steps.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    notInFile: unnamed.map(({ clientId }) => clientId).filter((clientId) => !gone.has(clientId)),
  }
}

/** The rule of `updateResourceServer` for the tokens of those who keep its scopes. */
function isNarrower(before: ResourceServer, after: DeclaredResourceServer): boolean {
  return (
    after.audience !== before.audience ||
    (after.exclusive && !before.exclusive) ||
    (after.tokenTtlSeconds ?? Infinity) < (before.tokenTtlSeconds ?? Infinity)
  )
}

/** The rules of `updateClient` and `setClientState`. */
function losesAccess(before: Client, after: DeclaredClient, now: EpochMs): boolean {
  const kept = new Set(after.scopes)
  const network = networkAfter(before, after.network)
  return (
    before.scopes.some((scope) => !kept.has(scope)) ||
    (after.scopeEnds !== undefined && endsLater(before.scopes, after.scopeEnds, before.scopeEnds)) ||
    (after.tokenTtlSeconds ?? Infinity) < (before.tokenTtlSeconds ?? Infinity) ||
    (after.state === 'disabled' && before.state === 'enabled') ||
    endsTokens(before.authentication, after.authentication ?? before.authentication) ||
    (network.ok && narrows(before.network?.rules, network.value, now))
  )
}

function holdersOf(name: string, state: RegistryState): ClientId[] {
  return state.clients
    .filter((client) => client.scopes.some((scope) => scope.startsWith(`${name}/`)))
    .map(({ clientId }) => clientId)
}

function isSameResourceServer(before: ResourceServer | undefined, after: DeclaredResourceServer): boolean {
  if (before === undefined || before.scopes.length !== after.scopes.length) return false
  const descriptions = new Map(before.scopes.map(({ name, description }) => [name, description]))
  return (
    before.audience === after.audience &&
    before.exclusive === after.exclusive &&
    before.tokenTtlSeconds === after.tokenTtlSeconds &&
    hasSameRules(before, after) &&
    after.scopes.every(({ name, description }) => descriptions.get(name) === description)
  )
}

function isSameClient(before: Client, after: DeclaredClient): boolean {
  const held = new Set(before.scopes)
  return (
    before.name === after.name &&
    (after.state === undefined || before.state === after.state) &&
    (after.authentication === undefined || before.authentication === after.authentication) &&
    (after.contactAddress === undefined || before.contactAddress === after.contactAddress) &&
    (after.scopeEnds === undefined || isSameEnds(before.scopeEnds, after.scopeEnds)) &&
    isSameNetwork(before, after.network) &&
    before.tokenTtlSeconds === after.tokenTtlSeconds &&
    before.scopes.length === after.scopes.length &&
    after.scopes.every((scope) => held.has(scope))
  )
}
