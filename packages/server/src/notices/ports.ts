import type { EpochMs } from '@latchkey/protocol'

/** How a message leaves. */
export type NoticeChannel = 'mail' | 'webhook'

/** One message that waits to be sent. `sealed` holds recipient and words, and is erased once it is sent or given up. */
export interface QueuedNotice {
  readonly id: string
  readonly channel: NoticeChannel
  readonly kind: string
  /** The id of the request or link that it is about. */
  readonly about: string
  readonly sealed: string
  readonly dataKeyId: string
  readonly createdAt: EpochMs
}

/** What a change may do: queue, in the transaction of what the message is about. */
export interface NoticeWrites {
  insert(notice: QueuedNotice): Promise<void>
}

/** A message on its way. */
export interface TakenNotice extends QueuedNotice {
  /** This one included. */
  readonly attempts: number
}

/** How many wait, and since when the oldest; how many were given up in the last week. */
export interface NoticeCounts {
  readonly waiting: number
  readonly waitingSince: EpochMs | undefined
  readonly givenUp: number
}

/** The queue as its sender sees it. Never on the path of a request. */
export interface Outbox {
  /** Takes what is due, oldest first, for as long as the lease: until then nobody else gets it, on whichever server. */
  take(now: EpochMs, leasedUntil: EpochMs, limit: number): Promise<TakenNotice[]>
  /** Erases what was sent. */
  markSent(id: string, now: EpochMs): Promise<void>
  /** Puts it back. `failure` is a code: no address, and nothing of what was to be said. */
  postpone(id: string, until: EpochMs, failure: string): Promise<void>
  /** Erases what will never be sent. */
  giveUp(id: string, now: EpochMs, failure: string): Promise<void>
  /** Forgets what was sent or given up before this moment. */
  removeOld(before: EpochMs): Promise<void>
  counts(now: EpochMs): Promise<NoticeCounts>
}
