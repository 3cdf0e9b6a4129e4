import type { EpochMs } from '@latchkey/protocol'

/** One message that waits to be sent. `sealed` holds recipient and body, and is erased once it is sent or given up. */
export interface QueuedNotice {
  readonly id: string
  readonly channel: 'mail' | 'webhook'
  readonly kind: string
  readonly about: string
  readonly sealed: string
  readonly dataKeyId: string
  readonly createdAt: EpochMs
}

/** What a change may do: queue, in the transaction of what the message is about. */
export interface NoticeWrites {
  insert(notice: QueuedNotice): Promise<void>
}
