import type { Change, ChangeContext } from '../audit/change.ts'
import { takesSecret } from '../clients/authentication.ts'
import type { Client } from '../clients/client.ts'
import { createdDetails, newClientId, registerClient, type NewClient } from '../clients/create-client.ts'
import type { CredentialMaker } from '../clients/secrets.ts'
import type { ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import type { ResourceServerWrites } from '../resource-servers/ports.ts'
import { createLinkWithin, handOut, type HandedOutLink, type LinkDelivery } from './create-link.ts'
import type { LinkTransaction } from './transaction.ts'

export interface ClientWithLink {
  readonly client: Client
  readonly handedOut: HandedOutLink
}

/** Registers a client that has no credential yet, and makes the link by which it gets one. Refuses with `scope.unknown`. */
export function createClientWithLink(
  change: Change<LinkTransaction & { readonly resourceServers: ResourceServerWrites }>,
  maker: CredentialMaker,
  context: ChangeContext,
  input: Omit<NewClient, 'secretExpiresAt'> & { readonly secretLifetimeSeconds: number | undefined },
  delivery: LinkDelivery,
): Promise<Result<ClientWithLink, ChangeRefusal>> {
  return change(context, async (tx) => {
    const { secretLifetimeSeconds, ...registration } = input
    const clientId = newClientId(maker.random)
    const registered = await registerClient(tx, maker, context, { ...registration, clientId, state: 'enabled' })
    if (!registered.ok) return registered
    const client = registered.value
    const created = await createLinkWithin(tx, maker, context, {
      clientId,
      contactAddress: undefined,
      requestId: undefined,
      lifetimeSeconds: undefined,
      secretLifetimeSeconds,
      secretName: takesSecret(client.authentication) ? 'first' : undefined,
      withCode: false,
    })
    if (!created.ok) return created
    return {
      ...done({ client, handedOut: await handOut(tx, delivery, created.value, context.now) }),
      parts: [
        {
          name: 'client.created',
          subject: clientId,
          details: { ...createdDetails(client), link: created.value.link.id },
        },
      ],
      event: created.event,
    }
  })
}
