import type { EpochMs } from '@latchkey/protocol'
import type { LinkWords, Notice } from '../notices/notice.ts'
import type { Notifier } from '../notices/notifier.ts'
import type { NoticeWrites } from '../notices/ports.ts'
import type { DeliveryLink } from './link.ts'

/** What both sides are told of a link. */
type LinkNotice = Extract<Notice, { kind: 'link.claimed' | 'link.undelivered' | 'link.disowned' | 'link.locked' }>

/** Tells the team and the contact. */
export async function tellBoth(
  notifier: Notifier,
  tx: { readonly notices: NoticeWrites },
  { contactAddress }: DeliveryLink,
  notice: LinkNotice,
  now: EpochMs,
): Promise<void> {
  await notifier.queue(tx, { kind: 'team' }, notice, now)
  if (contactAddress === undefined) return
  await notifier.queue(tx, { kind: 'contact', address: contactAddress }, notice, now)
}

export function linkWords({ id, clientId, clientName }: DeliveryLink): LinkWords {
  return { linkId: id, clientId, clientName }
}
