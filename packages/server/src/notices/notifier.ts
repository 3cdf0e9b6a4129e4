import type { EpochMs } from '@latchkey/protocol'
import type { Notice, NoticeAudience } from './notice.ts'
import type { NoticeWrites } from './ports.ts'

/** How a change tells people of itself: queued in its transaction, sent after it. */
export interface Notifier {
  /** Whether mail leaves this server at all; without it, whoever makes a link has to hand it over by another way. */
  readonly sendsMail: boolean
  /** Queues a message for each recipient and channel; nothing for an audience that is not configured. */
  queue(tx: { readonly notices: NoticeWrites }, audience: NoticeAudience, notice: Notice, now: EpochMs): Promise<void>
}
