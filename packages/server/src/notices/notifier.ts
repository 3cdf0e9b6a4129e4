import type { EpochMs } from '@latchkey/protocol'
import { randomLowercase } from '../kernel/ids.ts'
import type { Random } from '../kernel/random.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import { seal } from '../keys/sealing.ts'
import type { Reader } from './draft.ts'
import type { Notice, NoticeAudience } from './notice.ts'
import type { NoticeWrites } from './ports.ts'

/** How a change tells people of itself: queued in its transaction, sent after it. */
export interface Notifier {
  /** Whether mail leaves this server at all; without it, whoever makes a link has to hand it over by another way. */
  readonly sendsMail: boolean
  /** Queues a message for each recipient and channel; nothing for an audience that is not configured. */
  queue(tx: { readonly notices: NoticeWrites }, audience: NoticeAudience, notice: Notice, now: EpochMs): Promise<void>
}

/** What is configured. */
export interface Recipients {
  readonly sendsMail: boolean
  readonly teamAddresses: readonly string[]
  readonly hasWebhook: boolean
}

/** What is sealed: everything that the sender needs. */
export interface SealedNotice {
  /** Of a mail: one address, and what its reader is to us. */
  readonly mail: { readonly to: string; readonly reader: Reader } | undefined
  readonly notice: Notice
  readonly at: EpochMs
}

const idLength = 24

export function createNotifier(recipients: Recipients, dataKeys: DataKeys, random: Random): Notifier {
  const { sendsMail, teamAddresses, hasWebhook } = recipients

  async function insert(
    tx: { readonly notices: NoticeWrites },
    mail: SealedNotice['mail'],
    notice: Notice,
    now: EpochMs,
  ): Promise<void> {
    const id = randomLowercase(random, idLength)
    const dataKeyId = dataKeys.current('sealing')
    const content: SealedNotice = { mail, notice, at: now }
    const channel = mail === undefined ? 'webhook' : 'mail'
    const sealed = seal(dataKeys.sealingKey(dataKeyId), 'notice', id, Buffer.from(JSON.stringify(content)))
    await tx.notices.insert({ id, channel, kind: notice.kind, about: notice.about, sealed, dataKeyId, createdAt: now })
  }

  return {
    sendsMail,
    async queue(tx, audience, notice, now) {
      if (audience.kind === 'contact') {
        if (sendsMail) await insert(tx, { to: audience.address, reader: 'contact' }, notice, now)
        return
      }
      // What only the contact may see goes nowhere else.
      const told = { ...notice, secret: undefined } as Notice
      for (const to of sendsMail ? teamAddresses : []) await insert(tx, { to, reader: 'team' }, told, now)
      if (hasWebhook) await insert(tx, undefined, told, now)
    },
  }
}
