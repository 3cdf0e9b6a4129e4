import type { EpochMs, Scope } from '@latchkey/protocol'
import type { Change, ChangeContext, ChangeOutcome } from '../audit/change.ts'
import type { AdminEventName } from '../audit/events.ts'
import { refuseChange, type ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import { auditedNetwork } from '../network-policy/audited-network.ts'
import { changeNetwork, type RequestedNetwork } from '../network-policy/change-network.ts'
import { narrows } from '../network-policy/narrows.ts'
import type { ResourceServerWrites } from '../resource-servers/ports.ts'
import { endsTokens, type ClientAuthentication } from './authentication.ts'
import type { Client, ClientId, ClientState } from './client.ts'
import { checkScopes } from './check-scopes.ts'
import type { ClientRecord } from './compile.ts'
import { endTokensOfClient, type EndAccessTransaction } from './end-access.ts'
import type { ClientWrites } from './ports.ts'
import { endsLater, endsOfScopes, isSameEnds, scopeEndEntries } from './scope-ends.ts'

export interface ClientUpdate {
  readonly name?: string | undefined
  readonly authentication?: ClientAuthentication | undefined
  readonly addScopes?: readonly Scope[] | undefined
  readonly removeScopes?: readonly Scope[] | undefined
  /** Until when it holds a scope; undefined: without end. A scope that is added and not named here has none, others keep theirs. */
  readonly scopeEnds?: ReadonlyMap<Scope, EpochMs | undefined> | undefined
  /** `null` takes it away. */
  readonly contactAddress?: string | null | undefined
  /** `null` takes the limit away. */
  readonly tokenTtlSeconds?: number | null | undefined
  readonly network?: RequestedNetwork | undefined
}

interface Transaction extends EndAccessTransaction {
  readonly resourceServers: ResourceServerWrites
}

/**
 * Changes a client. Taking a scope away, an earlier end of one, shortening its tokens, another way to prove who it is, or fewer places to call from, ends
 * the tokens that it has. Refuses with `client.unknown`, `client.is_resource_server`, `scope.unknown` (adding one that is not registered, removing one that
 * it does not hold), and as `changeNetwork` says.
 */
export function updateClient(
  change: Change<Transaction>,
  context: ChangeContext,
  clientId: ClientId,
  input: ClientUpdate,
): Promise<Result<Client, ChangeRefusal>> {
  return change(context, (tx) => updateClientWithin(tx, context, clientId, input))
}

/** {@link updateClient} as a part of a larger change. */
export async function updateClientWithin(
  tx: Transaction,
  context: ChangeContext,
  clientId: ClientId,
  input: ClientUpdate,
): Promise<ChangeOutcome<Client, ChangeRefusal>> {
  const found = await findClient(tx.clients, clientId)
  if (!found.ok) return found
  const before = found.value.client
  const added = await checkScopes(tx.resourceServers, input.addScopes ?? [])
  if (!added.ok) return added
  const removed = new Set(input.removeScopes)
  const notHeld = [...removed].find((scope) => !before.scopes.includes(scope))
  if (notHeld !== undefined) {
    return refuseChange('scope.unknown', `${clientId} does not hold ${notHeld}`, 'remove_scopes')
  }
  const scopes = [...new Set([...before.scopes, ...added.value])].filter((scope) => !removed.has(scope)).toSorted()
  const ended = [...(input.scopeEnds?.keys() ?? [])].find((scope) => !scopes.includes(scope))
  if (ended !== undefined) return refuseChange('scope.unknown', `${clientId} does not hold ${ended}`, 'scope_ends')
  const scopeEnds = new Map(scopeEndEntries(before.scopeEnds))
  for (const scope of added.value) scopeEnds.delete(scope)
  for (const [scope, end] of input.scopeEnds ?? []) {
    if (end === undefined) scopeEnds.delete(scope)
    else scopeEnds.set(scope, end)
  }
  const network =
    input.network === undefined
      ? done(before.network)
      : await changeNetwork(tx.resourceServers, before.network, input.network, context.now)
  if (!network.ok) return network
  const client: Client = {
    ...before,
    network: network.value,
    name: input.name ?? before.name,
    authentication: input.authentication ?? before.authentication,
    scopes,
    scopeEnds: endsOfScopes(scopes, Object.fromEntries(scopeEnds)),
    contactAddress: input.contactAddress === undefined ? before.contactAddress : (input.contactAddress ?? undefined),
    tokenTtlSeconds:
      input.tokenTtlSeconds === undefined ? before.tokenTtlSeconds : (input.tokenTtlSeconds ?? undefined),
    updatedAt: context.now,
    revision: before.revision + 1,
  }
  await tx.clients.update(client)
  const narrowed =
    before.scopes.some((scope) => !client.scopes.includes(scope)) ||
    isShorter(before, client) ||
    endsTokens(before.authentication, client.authentication) ||
    endsLater(before.scopes, client.scopeEnds, before.scopeEnds) ||
    narrows(before.network?.rules, client.network?.rules, context.now)
  if (narrowed) await endTokensOfClient(tx, found.value, context.now)
  return {
    ...done(client),
    event: {
      name: 'client.updated',
      subject: clientId,
      details: {
        before: auditShape(before),
        after: auditShape(client),
        tokens_ended: narrowed,
      },
    },
  }
}

/** Disables a client, which ends its tokens, or enables it again, which revives none. Repeating it changes nothing further. */
export function setClientState(
  change: Change<EndAccessTransaction>,
  context: ChangeContext,
  clientId: ClientId,
  state: ClientState,
): Promise<Result<Client, ChangeRefusal>> {
  return change(context, (tx) => setClientStateWithin(tx, context, clientId, state))
}

/** {@link setClientState} as a part of a larger change. */
export async function setClientStateWithin(
  tx: EndAccessTransaction,
  context: ChangeContext,
  clientId: ClientId,
  state: ClientState,
): Promise<ChangeOutcome<Client, ChangeRefusal>> {
  const found = await findClient(tx.clients, clientId)
  if (!found.ok) return found
  const before = found.value.client
  const client: Client =
    before.state === state ? before : { ...before, state, updatedAt: context.now, revision: before.revision + 1 }
  if (client !== before) {
    await tx.clients.update(client)
    if (state === 'disabled') await endTokensOfClient(tx, found.value, context.now)
  }
  const name: AdminEventName = state === 'disabled' ? 'client.disabled' : 'client.enabled'
  return { ...done(client), event: { name, subject: clientId, details: { name: client.name } } }
}

/** Removes a client and its credentials; its tokens end. The audit log keeps its name. */
export function deleteClient(
  change: Change<EndAccessTransaction>,
  context: ChangeContext,
  clientId: ClientId,
): Promise<Result<undefined, ChangeRefusal>> {
  return change(context, (tx) => deleteClientWithin(tx, context, clientId))
}

/** {@link deleteClient} as a part of a larger change. */
export async function deleteClientWithin(
  tx: EndAccessTransaction,
  context: ChangeContext,
  clientId: ClientId,
): Promise<ChangeOutcome<undefined, ChangeRefusal>> {
  const found = await findClient(tx.clients, clientId)
  if (!found.ok) return found
  await endTokensOfClient(tx, found.value, context.now)
  await tx.clients.delete(clientId, context.now)
  const { name, scopes } = found.value.client
  return { ...done(undefined), event: { name: 'client.deleted', subject: clientId, details: { name, scopes } } }
}

/** A partner's client. Refuses with `client.unknown` or, for a resource server's own, `client.is_resource_server`. */
export async function findClient(
  clients: Pick<ClientWrites, 'find'>,
  clientId: ClientId,
): Promise<Result<ClientRecord, ChangeRefusal>> {
  const record = await clients.find(clientId)
  if (record === undefined) return refuseChange('client.unknown', `there is no client ${clientId}`, 'client_id')
  if (record.client.kind === 'resource-server') {
    return refuseChange(
      'client.is_resource_server',
      `${clientId} is the credential of resource server ${record.client.resourceServer}`,
      'client_id',
    )
  }
  return done(record)
}

function auditShape({ name, authentication, scopes, scopeEnds, network, tokenTtlSeconds }: Client) {
  const ends = isSameEnds(scopeEnds, {}) ? {} : { scope_ends: scopeEnds }
  const restricted = network === undefined ? {} : { network: auditedNetwork(network) }
  return { name, authentication, scopes, ...ends, ...restricted, token_ttl_seconds: tokenTtlSeconds }
}

function isShorter(before: Client, after: Client): boolean {
  return (after.tokenTtlSeconds ?? Infinity) < (before.tokenTtlSeconds ?? Infinity)
}
