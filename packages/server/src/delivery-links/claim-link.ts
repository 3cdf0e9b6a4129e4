import type { EpochMs, Scope } from '@latchkey/protocol'
import type { Change, ChangeContext } from '../audit/change.ts'
import type { CertificateMaker } from '../certificate-authority/issue-certificate.ts'
import type { ClientAuthentication } from '../clients/authentication.ts'
import type { ClientId } from '../clients/client.ts'
import { done, type Result } from '../kernel/result.ts'
import type { Notifier } from '../notices/notifier.ts'
import type { BroughtKey, KeyRefusal } from './claim-key.ts'
import type { LinkTransaction } from './transaction.ts'
import { digestKey, isKeyOf, makeKey } from './link-key.ts'
import { confirmMs, disownMs } from './link-state.ts'
import type { DeliveryLink, LinkId } from './link.ts'
import { makeCredentials, type Delivered } from './make-credentials.ts'
import { isCodeOf, maxWrongCodes } from './one-time-code.ts'
import type { LinkReads } from './ports.ts'
import { refuseLink, whyNotOpen, type LinkRefusal } from './refusal.ts'
import { linkWords, tellBoth } from './tell.ts'

/** What acting on a link needs. */
export interface LinkDesk {
  readonly reads: LinkReads
  readonly change: Change<LinkTransaction>
  readonly maker: CertificateMaker
  readonly notifier: Notifier
}

export interface ClaimInput {
  readonly id: LinkId
  readonly key: string
  readonly code: string | undefined
  /** What its certificate is issued for, where it needs one. */
  readonly brought?: BroughtKey
  /** Where the claim came from: for the audit log. */
  readonly address: string
}

/** The credential, at the only moment at which it is known here. */
export interface Claimed extends Delivered {
  readonly clientId: ClientId
  readonly clientName: string
  readonly authentication: ClientAuthentication
  readonly scopes: readonly Scope[]
  /** Proves that one was shown the credential. */
  readonly receipt: string
  readonly confirmBy: EpochMs
}

/**
 * The link of this key. Refuses a wrong key and an unknown link alike, with the same work. A stranger gets no further than this read: only who
 * has a key can make the server change, or count, anything. Nobody limits how often he may try: 256 bits are not guessed.
 */
export async function proveLink(reads: LinkReads, id: LinkId, key: string): Promise<Result<DeliveryLink, LinkRefusal>> {
  const link = await reads.find(id)
  const isProven = isKeyOf(key, link?.keyDigest)
  return isProven && link !== undefined ? done(link) : refuseLink('link.unknown')
}

/** Why a claim was refused: for the link, or for the key that it brought. */
export type ClaimRefusal = LinkRefusal | KeyRefusal

/**
 * Makes the credential and answers with it, once: of many at the same time exactly one wins. Secret and certificate are made here; before it none exists.
 * Refuses, with nothing spent but a wrong code counted, as LinkRefusal and KeyRefusal say. Throws Fault `store.unavailable`, with nothing spent.
 */
export async function claimLink(
  { reads, change, maker, notifier }: LinkDesk,
  context: ChangeContext,
  { id, key, code, address, brought = {} }: ClaimInput,
): Promise<Result<Claimed, ClaimRefusal>> {
  const proven = await proveLink(reads, id, key)
  if (!proven.ok) return proven
  const closed = whyNotOpen(proven.value, context.now)
  if (closed !== undefined) return refuseLink(closed)
  if (proven.value.codeDigest !== undefined && code === undefined) return refuseLink('link.code_needed')
  if (!isCodeOf(maker.dataKeys, proven.value, code ?? '')) return countWrongCode({ change, notifier }, context, id)

  return change<Claimed, ClaimRefusal>(context, async (tx) => {
    const link = await tx.links.find(id)
    if (link === undefined) return refuseLink('link.unknown')
    // Read again: whoever came first holds the change, and everything may be different after it.
    const lost = whyNotOpen(link, context.now)
    if (lost !== undefined) return refuseLink(lost)
    const record = await tx.clients.find(link.clientId)
    if (record?.client.state !== 'enabled') return refuseLink('link.client_unavailable')
    const { client } = record
    const { now } = context
    const made = await makeCredentials(tx, maker, context, link, client, brought)
    if (!made.ok) return made
    const { delivered, remembered, parts } = made.value
    const receipt = makeKey(maker.random)
    const claimed: DeliveryLink = {
      ...link,
      claimedAt: now,
      ...remembered,
      receiptDigest: digestKey(receipt),
    }
    await tx.links.update(claimed)
    const words = { ...linkWords(link), claimedAt: now, disownUntil: (now + disownMs) as EpochMs }
    await tellBoth(notifier, tx, link, { kind: 'link.claimed', about: id, words, secret: undefined }, now)
    return {
      ...done({
        clientId: client.clientId,
        clientName: client.name,
        authentication: client.authentication,
        ...delivered,
        scopes: client.scopes,
        receipt,
        confirmBy: (now + confirmMs) as EpochMs,
      }),
      parts,
      event: {
        name: 'link.claimed',
        subject: id,
        details: {
          client_id: client.clientId,
          secret: remembered.credentialId,
          certificate: remembered.certificateSerial,
          address,
        },
      },
    }
  })
}

/** The fifth wrong code ends the link. */
async function countWrongCode(
  { change, notifier }: Pick<LinkDesk, 'change' | 'notifier'>,
  context: ChangeContext,
  id: LinkId,
): Promise<Result<never, LinkRefusal>> {
  const counted = await change<LinkRefusal, LinkRefusal>(context, async (tx) => {
    const link = await tx.links.find(id)
    if (link === undefined) return refuseLink('link.unknown')
    const closed = whyNotOpen(link, context.now)
    if (closed !== undefined) return refuseLink(closed)
    const wrongCodes = link.wrongCodes + 1
    const details = { client_id: link.clientId, wrong_codes: wrongCodes }
    if (wrongCodes < maxWrongCodes) {
      await tx.links.update({ ...link, wrongCodes })
      return { ...done<LinkRefusal>('link.code_wrong'), event: { name: 'link.code_refused', subject: id, details } }
    }
    await tx.links.update({ ...link, wrongCodes, endedAt: context.now, ending: 'locked' })
    const notice = { kind: 'link.locked', about: id, words: linkWords(link), secret: undefined } as const
    await notifier.queue(tx, { kind: 'team' }, notice, context.now)
    return { ...done<LinkRefusal>('link.locked'), event: { name: 'link.locked', subject: id, details } }
  })
  return refuseLink(counted.ok ? counted.value : counted.refusal)
}
