import { formatKeyedLink, type EpochMs } from '@latchkey/protocol'
import type { Change, ChangeContext, ChangeOutcome } from '../audit/change.ts'
import type { AdminEvent } from '../audit/events.ts'
import { takesSecret } from '../clients/authentication.ts'
import type { Client } from '../clients/client.ts'
import type { CredentialMaker } from '../clients/secrets.ts'
import { refuseSecret } from '../clients/manage-secrets.ts'
import { findClient } from '../clients/update-client.ts'
import { randomLowercase } from '../kernel/ids.ts'
import type { ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import type { Notifier } from '../notices/notifier.ts'
import type { NoticeWrites } from '../notices/ports.ts'
import { endCredentialsOf, isInUse } from './end-credentials.ts'
import { digestKey, makeKey } from './link-key.ts'
import type { DeliveryLink, LinkId, LinkRequest, NewLink } from './link.ts'
import { digestCode, makeCode } from './one-time-code.ts'
import type { LinkTransaction } from './transaction.ts'

/** How long a link lives unless somebody says otherwise, in seconds. */
const usualLifetimeSeconds = 86_400

const idLength = 24

/** How a new link reaches its owner. */
export interface LinkDelivery {
  readonly issuer: string
  readonly notifier: Notifier
  /** Whether the server writes to the contact; otherwise whoever made the link hands it over. */
  readonly byMail: boolean
}

/** A link as it is answered: the only moment at which anybody here can write it down. */
export interface HandedOutLink {
  readonly link: DeliveryLink
  readonly deliveryLink: string
  readonly code: string | undefined
  /** Whom the server has written to. */
  readonly mailedTo: string | undefined
}

/** Makes a link and hands it out. Refuses with `client.unknown`, `client.is_resource_server`, `client.takes_no_secret`. */
export function createLink(
  change: Change<LinkTransaction>,
  maker: CredentialMaker,
  context: ChangeContext,
  request: LinkRequest,
  delivery: LinkDelivery,
): Promise<Result<HandedOutLink, ChangeRefusal>> {
  return change(context, async (tx) => {
    const created = await createLinkWithin(tx, maker, context, request)
    if (!created.ok) return created
    return { ...created, value: await handOut(tx, delivery, created.value, context.now) }
  })
}

/**
 * Makes a delivery link as a part of a larger change. No credential exists yet: the claim makes it. Ends every earlier link of the client that
 * was not settled, and revokes the credential of one that was claimed and never confirmed.
 */
export async function createLinkWithin(
  tx: LinkTransaction,
  maker: CredentialMaker,
  context: ChangeContext,
  request: LinkRequest,
): Promise<ChangeOutcome<NewLink, ChangeRefusal>> {
  const found = await findClient(tx.clients, request.clientId)
  if (!found.ok) return found
  const { client } = found.value
  const isAboutSecret = request.secretName !== undefined || request.secretLifetimeSeconds !== undefined
  if (isAboutSecret && !takesSecret(client.authentication)) return refuseSecret(client)
  const parts = await endEarlierLinks(tx, context, client)
  const { random, dataKeys } = maker
  const id = randomLowercase(random, idLength) as LinkId
  const key = makeKey(random)
  const code = request.withCode ? makeCode(random) : undefined
  const codeDigestKeyId = code === undefined ? undefined : dataKeys.current('secret-hmac')
  const lifetime = request.lifetimeSeconds ?? usualLifetimeSeconds
  const link: DeliveryLink = {
    id,
    clientId: client.clientId,
    clientName: client.name,
    keyDigest: digestKey(key),
    codeDigest:
      code === undefined || codeDigestKeyId === undefined ? undefined : digestCode(dataKeys, codeDigestKeyId, id, code),
    codeDigestKeyId,
    wrongCodes: 0,
    contactAddress: request.contactAddress ?? client.contactAddress,
    requestId: request.requestId,
    secretLifetimeSeconds: request.secretLifetimeSeconds,
    secretName: request.secretName ?? 'delivered',
    createdAt: context.now,
    createdBy: context.actor,
    expiresAt: (context.now + lifetime * 1000) as EpochMs,
    csr: request.csr,
    ownCertificate: request.ownCertificate,
    claimedAt: undefined,
    credentialId: undefined,
    keyCredentialId: undefined,
    certificateSerial: undefined,
    receiptDigest: undefined,
    confirmedAt: undefined,
    endedAt: undefined,
    ending: undefined,
    disownedAt: undefined,
  }
  await tx.links.insert(link)
  return {
    ...done({ link, key, code }),
    parts,
    event: {
      name: 'link.created',
      subject: id,
      details: {
        client_id: client.clientId,
        contact_address: link.contactAddress,
        expires_at: link.expiresAt,
        needs_code: code !== undefined,
        request: request.requestId,
      },
    },
  }
}

/** Writes the link down, and queues the message that carries it. */
export async function handOut(
  tx: { readonly notices: NoticeWrites },
  { issuer, notifier, byMail }: LinkDelivery,
  { link, key, code }: NewLink,
  now: EpochMs,
): Promise<HandedOutLink> {
  const deliveryLink = formatKeyedLink('claim', { issuer, id: link.id, key })
  const to = byMail && notifier.sendsMail ? link.contactAddress : undefined
  if (to !== undefined) {
    await notifier.queue(
      tx,
      { kind: 'contact', address: to },
      {
        kind: 'link.ready',
        about: link.id,
        words: {
          linkId: link.id,
          clientId: link.clientId,
          clientName: link.clientName,
          expiresAt: link.expiresAt,
          needsCode: code !== undefined,
        },
        secret: { deliveryLink },
      },
      now,
    )
  }
  return { link, deliveryLink, code, mailedTo: to }
}

async function endEarlierLinks(tx: LinkTransaction, context: ChangeContext, client: Client): Promise<AdminEvent[]> {
  const parts: AdminEvent[] = []
  for (const earlier of await tx.links.unsettled(client.clientId)) {
    // Used: so it arrived, whoever forgot to say so.
    if (await isInUse(tx.clients, earlier)) {
      await tx.links.update({ ...earlier, confirmedAt: context.now })
      const details = { client_id: client.clientId, by: 'use' }
      parts.push({ name: 'link.confirmed', subject: earlier.id, details })
      continue
    }
    parts.push(...(await endCredentialsOf(tx, context, earlier, 'superseded')))
    await tx.links.update({ ...earlier, endedAt: context.now, ending: 'superseded' })
    parts.push({
      name: 'link.revoked',
      subject: earlier.id,
      details: { client_id: client.clientId, why: 'a new link was made' },
    })
  }
  return parts
}
