import { adminResourceServer } from '@latchkey/admin-contract'
import type { Change } from '../../audit/change.ts'
import { letsInOthers } from '../../clients/authentication.ts'
import type { Client, ClientId } from '../../clients/client.ts'
import type { Credential } from '../../clients/credential.ts'
import type { ClientWrites } from '../../clients/ports.ts'
import { endsLater } from '../../clients/scope-ends.ts'
import { narrows } from '../../network-policy/narrows.ts'
import type { LinkWrites } from '../../delivery-links/ports.ts'
import { refuseChange, type ChangeRefusal } from '../../kernel/refusal.ts'
import type { ResourceServerWrites } from '../../resource-servers/ports.ts'
import { beyondRefusal, refuseBeyond, scopeBeyond } from './authority.ts'
import { reservedActors, type Authority } from './caller.ts'

interface Guarded {
  readonly clients: ClientWrites
  readonly resourceServers: ResourceServerWrites
  readonly links: LinkWrites
}

/** Carries a refusal out of whatever operation was writing. */
class NotAllowed extends Error {
  readonly refusal: ChangeRefusal

  constructor(refusal: ChangeRefusal) {
    super(refusal.message)
    this.refusal = refusal
  }
}

/**
 * A change in which nobody touches what is Latchkey's own, and in which a caller hands on no admin scope beyond its authority. It is judged by
 * what is written, inside the transaction: so it holds for every operation, those of later versions included, and nothing can move between the
 * judgement and the write. Refuses with `access.beyond_own`, `resource_server.reserved`, `client.reserved`.
 */
export function guardChange<Tx extends Guarded>(change: Change<Tx>, authority: Authority): Change<Tx> {
  return (context, work) =>
    change(context, async (tx) => {
      try {
        return await work({
          ...tx,
          clients: guardClients(tx.clients, authority),
          resourceServers: guardResourceServers(tx.resourceServers),
          links: guardLinks(tx.links, tx.clients, authority),
        })
      } catch (error) {
        if (!(error instanceof NotAllowed)) throw error
        // The operation's own refusals are of this type too; only its caller knows that.
        return { ok: false, refusal: error.refusal as never }
      }
    })
}

/** Every method by name: one that is added to the port must be thought about here before it compiles. */
function guardClients(clients: ClientWrites, authority: Authority): ClientWrites {
  const refuse = (refusal: ChangeRefusal | undefined): void => {
    if (refusal !== undefined) throw new NotAllowed(refusal)
  }
  // Whoever holds everything is refused nothing for want of it: what he changes need not be read for that.
  const lookUp = async (clientId: ClientId) => (authority === 'all' ? undefined : clients.find(clientId))
  return {
    all: () => clients.all(),
    find: (clientId) => clients.find(clientId),
    findCredential: (id) => clients.findCredential(id),
    holders: (resourceServer, scopeName) => clients.holders(resourceServer, scopeName),
    async insert(client) {
      if (reservedActors.has(client.clientId)) {
        const message = `${client.clientId} has a meaning of its own in the audit log`
        refuse(refuseChange('client.reserved', message, 'client_id').refusal)
      }
      if (client.resourceServer === adminResourceServer) refuse(builtIn())
      const beyond = scopeBeyond(authority, client.scopes)
      if (beyond !== undefined) refuse(beyondRefusal(`this token does not have ${beyond} itself`, 'scopes'))
      await clients.insert(client)
    },
    async update(client) {
      const before = await lookUp(client.clientId)
      if (before !== undefined) refuse(judgeUpdate(before.client, client, authority))
      await clients.update(client)
    },
    delete: (clientId, at) => clients.delete(clientId, at),
    async insertCredential(credential) {
      const owner = await lookUp(credential.clientId)
      if (owner !== undefined) refuse(refuseBeyond(authority, owner.client, 'client_id'))
      await clients.insertCredential(credential)
    },
    insertRegisteredKey: (key) => clients.insertRegisteredKey(key),
    insertRegisteredSubject: (subject) => clients.insertRegisteredSubject(subject),
    async updateCredential(credential) {
      const owner = await lookUp(credential.clientId)
      const before = owner?.credentials.find(({ id }) => id === credential.id)
      if (owner !== undefined && (before === undefined || livesLonger(before, credential))) {
        refuse(refuseBeyond(authority, owner.client, 'id'))
      }
      await clients.updateCredential(credential)
    },
  }
}

/** A client that holds more than the caller may become smaller, never larger; any client may be granted only what the caller has. */
function judgeUpdate(before: Client, after: Client, authority: Authority): ChangeRefusal | undefined {
  const added = after.scopes.filter((scope) => !before.scopes.includes(scope))
  const beyond = scopeBeyond(authority, added)
  if (beyond !== undefined) return beyondRefusal(`this token does not have ${beyond} itself`, 'add_scopes')
  const isLarger =
    added.length > 0 ||
    endsLater(after.scopes, before.scopeEnds, after.scopeEnds) ||
    (before.state === 'disabled' && after.state === 'enabled') ||
    letsInOthers(before.authentication, after.authentication) ||
    (after.tokenTtlSeconds ?? Infinity) > (before.tokenTtlSeconds ?? Infinity) ||
    narrows(after.network?.rules, before.network?.rules, after.updatedAt)
  return isLarger ? refuseBeyond(authority, after, 'client_id') : undefined
}

function livesLonger(before: Credential, after: Credential): boolean {
  const isRevived = before.revokedAt !== undefined && after.revokedAt === undefined
  return isRevived || (after.expiresAt ?? Infinity) > (before.expiresAt ?? Infinity)
}

/** Whoever opens a link is handed a credential of its client. */
function guardLinks(links: LinkWrites, clients: Pick<ClientWrites, 'find'>, authority: Authority): LinkWrites {
  return {
    find: (id) => links.find(id),
    unsettled: (clientId) => links.unsettled(clientId),
    async insert(link) {
      const owner = authority === 'all' ? undefined : await clients.find(link.clientId)
      const refusal = owner && refuseBeyond(authority, owner.client, 'client_id')
      if (refusal !== undefined) throw new NotAllowed(refusal)
      await links.insert(link)
    },
    // What can be changed of a link hands nothing on: its key and its client stay.
    update: (link) => links.update(link),
  }
}

function guardResourceServers(servers: ResourceServerWrites): ResourceServerWrites {
  const refuseOwn = (name: string): void => {
    if (name === adminResourceServer) throw new NotAllowed(builtIn())
  }
  return {
    all: () => servers.all(),
    find: (name) => servers.find(name),
    findByAudience: (audience) => servers.findByAudience(audience),
    async insert(server) {
      refuseOwn(server.name)
      await servers.insert(server)
    },
    async update(server) {
      refuseOwn(server.name)
      await servers.update(server)
    },
    async delete(name) {
      refuseOwn(name)
      await servers.delete(name)
    },
  }
}

function builtIn(): ChangeRefusal {
  const message = `${adminResourceServer} is built in: nobody changes it`
  return refuseChange('resource_server.reserved', message, 'name').refusal
}
