import { setImmediate } from 'node:timers/promises'
import type { EpochMs, Scope } from '@latchkey/protocol'
import type { ChangeContext, ChangeOutcome } from '../audit/change.ts'
import type { AdminEvent } from '../audit/events.ts'
import { createdDetails, registerClient } from '../clients/create-client.ts'
import { isSameEnds, type ScopeEnds } from '../clients/scope-ends.ts'
import type { CredentialMaker } from '../clients/secrets.ts'
import { deleteClientWithin, setClientStateWithin, updateClientWithin } from '../clients/update-client.ts'
import type { ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import { newNetworkPolicyId, type RequestedNetwork } from '../network-policy/change-network.ts'
import { createResourceServerWithin } from '../resource-servers/create-resource-server.ts'
import { deleteResourceServerWithin } from '../resource-servers/delete-resource-server.ts'
import type { ResourceServerWrites } from '../resource-servers/ports.ts'
import type { ResourceServerTransaction } from '../resource-servers/resource-server-changes.ts'
import { updateResourceServerWithin } from '../resource-servers/update-resource-server.ts'
import type { DeclaredClient } from './declaration.ts'
import { isSameNetwork, type DeclaredNetwork } from './declared-network.ts'
import { hasSameRules } from './declared-rules.ts'
import { goneScopes } from './find-problems.ts'
import type { ClientStep, ResourceServerStep, Step } from './plan.ts'

/** After so many operations others get their turn: an embedded database does its work on the thread that also answers token requests. */
const operationsInARow = 20

type Outcome = ChangeOutcome<unknown, ChangeRefusal>
type Work = (tx: ResourceServerTransaction) => Promise<Outcome>

/**
 * Performs the steps of a plan inside the change in which it was made, by the operations that administrators have one by one: so their rules
 * hold, those that end tokens above all. Answers what each did, for the audit log. Refuses with whatever these refuse.
 */
export async function performPlan(
  tx: ResourceServerTransaction,
  maker: CredentialMaker,
  context: ChangeContext,
  steps: readonly Step[],
): Promise<Result<AdminEvent[], ChangeRefusal>> {
  const servers = steps.filter((step) => step.kind === 'resource_server')
  const clients = steps.filter((step) => step.kind === 'client')
  // A scope is there before anybody gets it, and goes after everybody has lost it.
  const phases: [ResourceServerTransaction, Work[]][] = [
    [tx, servers.flatMap((step) => workBeforeClients(context, step))],
    [
      { ...tx, resourceServers: readOnce(tx.resourceServers) },
      clients.flatMap((step) => clientWork(maker, context, step)),
    ],
    [tx, servers.flatMap((step) => workAfterClients(context, step))],
  ]
  const events: AdminEvent[] = []
  for (const [phase, works] of phases) {
    for (const [i, work] of works.entries()) {
      if (i % operationsInARow === 0) await setImmediate()
      const outcome = await work(phase)
      if (!outcome.ok) return outcome
      events.push(outcome.event)
    }
  }
  return done(events)
}

function workBeforeClients(context: ChangeContext, { id, before, after }: ResourceServerStep): Work[] {
  if (after === undefined) return []
  if (before === undefined) return [(tx) => createResourceServerWithin(tx, context, after)]
  const known = new Map(before.scopes.map(({ name, description }) => [name, description]))
  const setScopes = after.scopes.filter(({ name, description }) => known.get(name) !== description)
  const isMoreThanRemoval =
    setScopes.length > 0 ||
    before.audience !== after.audience ||
    before.exclusive !== after.exclusive ||
    !hasSameRules(before, after) ||
    before.tokenTtlSeconds !== after.tokenTtlSeconds
  if (!isMoreThanRemoval) return []
  const { audience, exclusive, endpointRules, tokenTtlSeconds = null } = after
  return [
    (tx) =>
      updateResourceServerWithin(tx, context, id, { audience, exclusive, setScopes, endpointRules, tokenTtlSeconds }),
  ]
}

function workAfterClients(context: ChangeContext, step: ResourceServerStep): Work[] {
  const { id, before, after } = step
  if (before === undefined) return []
  if (after === undefined) return [(tx) => deleteResourceServerWithin(tx, context, id, { force: false })]
  const removeScopes = goneScopes(step).map((scope) => scope.slice(id.length + 1))
  if (removeScopes.length === 0) return []
  return [(tx) => updateResourceServerWithin(tx, context, id, { removeScopes })]
}

function clientWork(maker: CredentialMaker, context: ChangeContext, { id, before, after }: ClientStep): Work[] {
  if (after === undefined) return [(tx) => deleteClientWithin(tx, context, id)]
  if (before === undefined) return [(tx) => createDeclaredClient(tx, maker, context, after)]
  const network = requestedNetwork(maker, after.network)
  const had = new Set(before.scopes)
  const has = new Set(after.scopes)
  const addScopes = after.scopes.filter((scope) => !had.has(scope))
  const removeScopes = before.scopes.filter((scope) => !has.has(scope))
  const { name, state, authentication, contactAddress, tokenTtlSeconds = null } = after
  const scopeEnds = after.scopeEnds && endsOfAll(after.scopes, after.scopeEnds)
  const isMoreThanState =
    addScopes.length + removeScopes.length > 0 ||
    name !== before.name ||
    (authentication !== undefined && authentication !== before.authentication) ||
    (contactAddress !== undefined && contactAddress !== before.contactAddress) ||
    (after.scopeEnds !== undefined && !isSameEnds(before.scopeEnds, after.scopeEnds)) ||
    !isSameNetwork(before, after.network) ||
    after.tokenTtlSeconds !== before.tokenTtlSeconds
  const update: Work = (tx) =>
    updateClientWithin(tx, context, id, {
      name,
      authentication,
      addScopes,
      removeScopes,
      scopeEnds,
      contactAddress,
      tokenTtlSeconds,
      network,
    })
  const isOtherState = state !== undefined && state !== before.state
  return [
    ...(isMoreThanState ? [update] : []),
    ...(isOtherState ? [(tx: ResourceServerTransaction) => setClientStateWithin(tx, context, id, state)] : []),
  ]
}

async function createDeclaredClient(
  tx: ResourceServerTransaction,
  maker: CredentialMaker,
  context: ChangeContext,
  { state = 'enabled', network, ...declared }: DeclaredClient,
): Promise<Outcome> {
  const { clientId, tokenTtlSeconds } = declared
  const created = await registerClient(tx, maker, context, {
    ...declared,
    network: network === 'lifted' ? undefined : requestedNetwork(maker, network),
    state,
  })
  if (!created.ok) return created
  const details = { ...createdDetails(created.value), state, token_ttl_seconds: tokenTtlSeconds }
  return { ...created, event: { name: 'client.created', subject: clientId, details } }
}

/** All of it, as the declaration has it. */
function requestedNetwork(maker: CredentialMaker, declared: DeclaredNetwork | undefined): RequestedNetwork | undefined {
  if (declared === undefined) return undefined
  const idIfNew = newNetworkPolicyId(maker.random)
  return { idIfNew, change: declared === 'lifted' ? declared : { ...declared, covers: declared.covers ?? null } }
}

/** An end for every scope: those that are not named have none. */
function endsOfAll(scopes: readonly Scope[], ends: ScopeEnds): ReadonlyMap<Scope, EpochMs | undefined> {
  return new Map(scopes.map((scope) => [scope, ends[scope]]))
}

/** For a phase in which no resource server changes: a thousand clients ask for the same few. */
function readOnce(resourceServers: ResourceServerWrites): ResourceServerWrites {
  const found = new Map<string, ReturnType<ResourceServerWrites['find']>>()
  return {
    ...resourceServers,
    find(name) {
      const known = found.get(name) ?? resourceServers.find(name)
      found.set(name, known)
      return known
    },
  }
}
