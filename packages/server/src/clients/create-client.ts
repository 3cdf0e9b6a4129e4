import type { EpochMs, Scope } from '@latchkey/protocol'
import type { Change, ChangeContext } from '../audit/change.ts'
import { randomLowercase } from '../kernel/ids.ts'
import type { Random } from '../kernel/random.ts'
import type { ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import type { ResourceServerWrites } from '../resource-servers/ports.ts'
import { auditedNetwork } from '../network-policy/audited-network.ts'
import { changeNetwork, type RequestedNetwork } from '../network-policy/change-network.ts'
import type { ClientAuthentication } from './authentication.ts'
import type { Client, ClientId, ClientState } from './client.ts'
import type { ClientWrites } from './ports.ts'
import { checkScopes } from './check-scopes.ts'
import { endsOfScopes, type ScopeEnds } from './scope-ends.ts'
import { makeLocalCredential, makeSecret, type CredentialMaker } from './secrets.ts'

export interface ClientRegistration {
  readonly clientId: ClientId
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly scopeEnds?: ScopeEnds | undefined
  readonly contactAddress?: string | undefined
  readonly tokenTtlSeconds?: number | undefined
  /** Absent: it may call from anywhere. */
  readonly network?: RequestedNetwork | undefined
  readonly state: ClientState
  /** Absent: by secret. */
  readonly authentication?: ClientAuthentication | undefined
}

export interface NewClient {
  readonly name: string
  readonly scopes: readonly Scope[]
  /** Absent: by secret. */
  readonly authentication?: ClientAuthentication | undefined
  readonly contactAddress?: string | undefined
  readonly tokenTtlSeconds?: number | undefined
  /** Absent: it may call from anywhere. */
  readonly network?: RequestedNetwork | undefined
  /** End of its first secret; absent: it has none. */
  readonly secretExpiresAt?: EpochMs | undefined
}

export interface CreatedClient {
  readonly client: Client
  /** Shown once; only its digest is kept. */
  readonly clientSecret: string
}

interface Transaction {
  readonly clients: ClientWrites
  readonly resourceServers: ResourceServerWrites
}

/** Characters of a client_id: 124 random bits, in lower case, so that no file system or collation confuses two. */
export const clientIdLength = 24

export function newClientId(random: Random): ClientId {
  return randomLowercase(random, clientIdLength) as ClientId
}

/** Registers a client with its granted scopes and its first secret. Refuses with `scope.unknown`, and as `changeNetwork` says. */
export function createClient(
  change: Change<Transaction>,
  maker: CredentialMaker,
  context: ChangeContext,
  input: NewClient,
): Promise<Result<CreatedClient, ChangeRefusal>> {
  return change(context, async (tx) => {
    const clientId = newClientId(maker.random)
    const { secretExpiresAt: expiresAt, ...registration } = input
    const registered = await registerClient(tx, maker, context, { ...registration, clientId, state: 'enabled' })
    if (!registered.ok) return registered
    const client = registered.value
    const secret = makeSecret(maker, clientId, { name: 'first', now: context.now, expiresAt })
    await tx.clients.insertCredential(secret.credential)
    return {
      ...done({ client, clientSecret: secret.clientSecret }),
      event: {
        name: 'client.created',
        subject: clientId,
        details: { ...createdDetails(client), secret: secret.credential.id },
      },
    }
  })
}

/** Registers a client that has no credential yet. Refuses with `scope.unknown`, and as `changeNetwork` says. */
export function createClientWithoutSecret(
  change: Change<Transaction>,
  maker: CredentialMaker,
  context: ChangeContext,
  input: Omit<NewClient, 'secretExpiresAt'>,
): Promise<Result<Client, ChangeRefusal>> {
  return change(context, async (tx) => {
    const clientId = newClientId(maker.random)
    const registered = await registerClient(tx, maker, context, { ...input, clientId, state: 'enabled' })
    if (!registered.ok) return registered
    const details = createdDetails(registered.value)
    return { ...registered, event: { name: 'client.created', subject: clientId, details } }
  })
}

/** What the audit log says of a new client. */
export function createdDetails({ name, authentication, scopes, network }: Client): Readonly<Record<string, unknown>> {
  return { name, authentication, scopes, ...(network === undefined ? {} : { network: auditedNetwork(network) }) }
}

/**
 * Puts a client without a secret into the registry. Refuses with `scope.unknown`, and as `changeNetwork` says. Does not check that the client_id is free: whoever chooses
 * one, rather than have it made, does.
 */
export async function registerClient(
  tx: Transaction,
  maker: CredentialMaker,
  context: ChangeContext,
  input: ClientRegistration,
): Promise<Result<Client, ChangeRefusal>> {
  const checked = await checkScopes(tx.resourceServers, input.scopes)
  if (!checked.ok) return checked
  const network =
    input.network === undefined
      ? done(undefined)
      : await changeNetwork(tx.resourceServers, undefined, input.network, context.now)
  if (!network.ok) return network
  const client: Client = {
    clientId: input.clientId,
    name: input.name,
    kind: 'client',
    resourceServer: undefined,
    state: input.state,
    authentication: input.authentication ?? 'secret',
    scopes: checked.value,
    scopeEnds: endsOfScopes(checked.value, input.scopeEnds),
    contactAddress: input.contactAddress,
    network: network.value,
    tokenTtlSeconds: input.tokenTtlSeconds,
    createdAt: context.now,
    updatedAt: context.now,
    revision: 1,
  }
  await tx.clients.insert(client)
  await tx.clients.insertCredential(makeLocalCredential(maker, client.clientId, context.now))
  return done(client)
}
