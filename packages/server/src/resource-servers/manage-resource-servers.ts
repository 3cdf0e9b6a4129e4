import { qualifyScope } from '@latchkey/protocol'
import type { Change, ChangeContext } from '../audit/change.ts'
import type { Client, ClientId } from '../clients/client.ts'
import { clientIdLength } from '../clients/create-client.ts'
import { endTokensOfClient, type EndAccessTransaction } from '../clients/end-access.ts'
import { makeLocalCredential, makeSecret, type CredentialMaker, type NewSecret } from '../clients/secrets.ts'
import { randomLowercase } from '../kernel/ids.ts'
import { refuseChange, type ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import type { ResourceServerWrites } from './ports.ts'
import type { ResourceServer, ResourceServerScope } from './resource-server.ts'

interface Transaction extends EndAccessTransaction {
  readonly resourceServers: ResourceServerWrites
}

/** The prefix of Latchkey's own scopes. */
const reservedName = 'latchkey'

export interface NewResourceServer {
  readonly name: string
  readonly audience: string
  readonly scopes: readonly ResourceServerScope[]
  readonly exclusive: boolean
  readonly tokenTtlSeconds?: number | undefined
}

/** Registers an API. Refuses with `resource_server.name_taken`, `.audience_taken`, `.reserved`. */
export function createResourceServer(
  change: Change<Transaction>,
  context: ChangeContext,
  input: NewResourceServer,
): Promise<Result<ResourceServer, ChangeRefusal>> {
  return change(context, async (tx) => {
    const { name, audience } = input
    if (name === reservedName) return refuseChange('resource_server.reserved', `the name ${name} is reserved`, 'name')
    if ((await tx.resourceServers.find(name)) !== undefined) {
      return refuseChange('resource_server.name_taken', `there is a resource server ${name} already`, 'name')
    }
    const taken = await audienceTaken(tx.resourceServers, audience)
    if (taken !== undefined) return taken
    const server: ResourceServer = {
      name,
      audience,
      exclusive: input.exclusive,
      scopes: sortScopes(input.scopes),
      tokenTtlSeconds: input.tokenTtlSeconds,
      clientId: undefined,
      createdAt: context.now,
      updatedAt: context.now,
      revision: 1,
    }
    await tx.resourceServers.insert(server)
    return { ...done(server), event: { name: 'resource_server.created', subject: name, details: describe(server) } }
  })
}

export interface ResourceServerUpdate {
  readonly audience?: string | undefined
  /** Adds scopes, or gives known ones a new description. */
  readonly setScopes?: readonly ResourceServerScope[] | undefined
  readonly removeScopes?: readonly string[] | undefined
  readonly exclusive?: boolean | undefined
  /** `null` takes the limit away. */
  readonly tokenTtlSeconds?: number | null | undefined
  /** Takes removed scopes from the clients that hold them, ending their tokens, instead of refusing. */
  readonly force?: boolean | undefined
}

/**
 * Changes an API. Whatever makes access smaller (a scope removed, another audience, exclusive, shorter tokens) ends the tokens of every client that it concerns.
 * Refuses with `resource_server.unknown`, `.audience_taken`, `scope.unknown`, and `scope.in_use` unless forced.
 */
export function updateResourceServer(
  change: Change<Transaction>,
  context: ChangeContext,
  name: string,
  input: ResourceServerUpdate,
): Promise<Result<ResourceServer, ChangeRefusal>> {
  return change(context, async (tx) => {
    const before = await tx.resourceServers.find(name)
    if (before === undefined) return unknownResourceServer(name)
    if (input.audience !== undefined && input.audience !== before.audience) {
      const taken = await audienceTaken(tx.resourceServers, input.audience)
      if (taken !== undefined) return taken
    }
    const takenFrom = new Set<ClientId>()
    for (const scope of input.removeScopes ?? []) {
      if (!before.scopes.some((known) => known.name === scope)) {
        return refuseChange('scope.unknown', `${name} has no scope ${scope}`, 'remove_scopes')
      }
      const holders = await tx.clients.holders(name, scope)
      if (holders.length > 0 && input.force !== true) {
        return refuseChange(
          'scope.in_use',
          `${holders.length} client(s) hold ${name}/${scope}: ${sample(holders)}`,
          'remove_scopes',
        )
      }
      for (const holder of holders) {
        await takeScopes(tx, context, holder, (held) => held === qualifyScope(name, scope))
        takenFrom.add(holder)
      }
    }
    const set = new Map([...before.scopes, ...(input.setScopes ?? [])].map((scope) => [scope.name, scope]))
    for (const scope of input.removeScopes ?? []) set.delete(scope)
    const after: ResourceServer = {
      ...before,
      audience: input.audience ?? before.audience,
      exclusive: input.exclusive ?? before.exclusive,
      scopes: sortScopes([...set.values()]),
      tokenTtlSeconds:
        input.tokenTtlSeconds === undefined ? before.tokenTtlSeconds : (input.tokenTtlSeconds ?? undefined),
      updatedAt: context.now,
      revision: before.revision + 1,
    }
    await tx.resourceServers.update(after)
    const narrowed =
      after.audience !== before.audience ||
      (after.exclusive && !before.exclusive) ||
      (after.tokenTtlSeconds ?? Infinity) < (before.tokenTtlSeconds ?? Infinity)
    if (narrowed) {
      for (const holder of await tx.clients.holders(name)) {
        const record = await tx.clients.find(holder)
        if (record !== undefined) await endTokensOfClient(tx, record, context.now)
      }
    }
    return {
      ...done(after),
      event: {
        name: 'resource_server.updated',
        subject: name,
        details: {
          before: describe(before),
          after: describe(after),
          tokens_ended: narrowed || takenFrom.size > 0,
          taken_from: [...takenFrom],
        },
      },
    }
  })
}

/** Removes an API. Refuses with `resource_server.unknown`, and `resource_server.in_use` unless forced; then its clients lose the scopes. */
export function deleteResourceServer(
  change: Change<Transaction>,
  context: ChangeContext,
  name: string,
  options: { readonly force: boolean },
): Promise<Result<undefined, ChangeRefusal>> {
  return change(context, async (tx) => {
    const server = await tx.resourceServers.find(name)
    if (server === undefined) return unknownResourceServer(name)
    const holders = await tx.clients.holders(name)
    if (holders.length > 0 && !options.force) {
      return refuseChange(
        'resource_server.in_use',
        `${holders.length} client(s) hold scopes of ${name}: ${sample(holders)}`,
        'name',
      )
    }
    for (const holder of holders) await takeScopes(tx, context, holder, (held) => held.startsWith(`${name}/`))
    if (server.clientId !== undefined) await tx.clients.delete(server.clientId)
    await tx.resourceServers.delete(name)
    return {
      ...done(undefined),
      event: { name: 'resource_server.deleted', subject: name, details: { ...describe(server), taken_from: holders } },
    }
  })
}

/** Gives an API one more secret, with which it introspects; its client_id is made with the first. Refuses with `resource_server.unknown`. */
export function addResourceServerCredential(
  change: Change<Transaction>,
  maker: CredentialMaker,
  context: ChangeContext,
  name: string,
): Promise<Result<NewSecret, ChangeRefusal>> {
  return change(context, async (tx) => {
    const server = await tx.resourceServers.find(name)
    if (server === undefined) return unknownResourceServer(name)
    let clientId = server.clientId
    if (clientId === undefined) {
      clientId = randomLowercase(maker.random, clientIdLength) as ClientId
      await tx.clients.insert(resourceServerClient(clientId, name, context))
      await tx.clients.insertCredential(makeLocalCredential(maker, clientId, context.now))
    }
    const secret = makeSecret(maker, clientId, { name: 'resource server', now: context.now })
    await tx.clients.insertCredential(secret.credential)
    return {
      ...done(secret),
      event: {
        name: 'resource_server.credential_created',
        subject: name,
        details: { client_id: clientId, secret: secret.credential.id },
      },
    }
  })
}

function resourceServerClient(clientId: ClientId, name: string, context: ChangeContext): Client {
  return {
    clientId,
    name,
    kind: 'resource-server',
    resourceServer: name,
    state: 'enabled',
    scopes: [],
    tokenTtlSeconds: undefined,
    createdAt: context.now,
    updatedAt: context.now,
    revision: 1,
  }
}

async function takeScopes(
  tx: Transaction,
  context: ChangeContext,
  clientId: ClientId,
  taken: (scope: string) => boolean,
): Promise<void> {
  const record = await tx.clients.find(clientId)
  if (record === undefined) return
  const scopes = record.client.scopes.filter((scope) => !taken(scope))
  await tx.clients.update({ ...record.client, scopes, updatedAt: context.now, revision: record.client.revision + 1 })
  await endTokensOfClient(tx, record, context.now)
}

async function audienceTaken(resourceServers: ResourceServerWrites, audience: string) {
  const other = await resourceServers.findByAudience(audience)
  if (other === undefined) return undefined
  return refuseChange('resource_server.audience_taken', `${other.name} has the audience ${audience}`, 'audience')
}

function unknownResourceServer(name: string) {
  return refuseChange('resource_server.unknown', `there is no resource server ${name}`, 'name')
}

function sortScopes(scopes: readonly ResourceServerScope[]): ResourceServerScope[] {
  return scopes.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function describe(server: ResourceServer) {
  const { audience, exclusive, scopes, tokenTtlSeconds } = server
  return { audience, exclusive, scopes: scopes.map((scope) => scope.name), token_ttl_seconds: tokenTtlSeconds }
}

function sample(clientIds: readonly ClientId[]): string {
  return clientIds.slice(0, 5).join(', ') + (clientIds.length > 5 ? ', …' : '')
}
