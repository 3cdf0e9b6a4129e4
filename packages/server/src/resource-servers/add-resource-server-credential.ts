import type { Change, ChangeContext } from '../audit/change.ts'
import type { Client, ClientId } from '../clients/client.ts'
import { clientIdLength } from '../clients/create-client.ts'
import { makeLocalCredential, makeSecret, type CredentialMaker, type NewSecret } from '../clients/secrets.ts'
import { randomLowercase } from '../kernel/ids.ts'
import type { ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import { unknownResourceServer, type ResourceServerTransaction } from './resource-server-changes.ts'

/** Gives an API one more secret, with which it introspects; its client_id is made with the first. Refuses with `resource_server.unknown`. */
export function addResourceServerCredential(
  change: Change<ResourceServerTransaction>,
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
    authentication: 'secret',
    scopes: [],
    scopeEnds: {},
    contactAddress: undefined,
    network: undefined,
    tokenTtlSeconds: undefined,
    createdAt: context.now,
    updatedAt: context.now,
    revision: 1,
  }
}
