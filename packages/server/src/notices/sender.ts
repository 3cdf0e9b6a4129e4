import type { EpochMs } from '@latchkey/protocol'
import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/log.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import { unseal } from '../keys/sealing.ts'
import { DeliveryFailure } from './delivery-failure.ts'
import type { MailTransport } from './mail.ts'
import { writeMessage } from './message.ts'
import type { SealedNotice } from './notifier.ts'
import type { NoticeChannel, Outbox, TakenNotice } from './ports.ts'
import type { WebhookTransport } from './webhook.ts'

export interface SenderOptions {
  readonly outbox: Outbox
  readonly dataKeys: DataKeys
  readonly issuer: string
  /** Absent: what was queued for it waits, until it is configured again or given up. */
  readonly mail: MailTransport | undefined
  readonly webhook: WebhookTransport | undefined
  readonly clock: Clock
  readonly logger: Logger
  /** Counts what became of each attempt. */
  readonly count: (channel: NoticeChannel, outcome: 'sent' | 'postponed' | 'given_up') => void
  /** Told every few seconds how many wait, and for how many seconds the oldest. */
  readonly noteWaiting: (count: number, seconds: number) => void
}

export interface Sender {
  /** Sends what is due. One turn at a time; never rejects for a message that does not leave. */
  turn(): Promise<void>
}

/** Longer than any attempt takes: what a killed sender had taken is free again after it. */
const leaseMs = 2 * 60_000
const atATime = 20
const countEveryMs = 5000
const keptMs = 30 * 86_400_000
const firstWaitMs = 5000
const longestWaitMs = 6 * 3_600_000

/** How long a message is worth sending, in milliseconds. */
const worthMs: Readonly<Record<NoticeChannel, number>> = { mail: 3 * 86_400_000, webhook: 86_400_000 }

/**
 * Empties the outbox. A message may be sent twice when the process is killed between sending it and noting so: its id stays the same, so that a
 * receiver can tell. Two senders never have the same message at the same time.
 */
export function createSender(options: SenderOptions): Sender {
  const { outbox, clock, logger, count, noteWaiting } = options
  let underWay: Promise<void> | undefined
  let lastCleaning = 0
  let lastCount = -countEveryMs

  async function work(): Promise<void> {
    const now = clock.now()
    if (now - lastCleaning > 3_600_000) {
      lastCleaning = now
      await outbox.removeOld((now - keptMs) as EpochMs)
    }
    let taken: TakenNotice[]
    do {
      taken = await outbox.take(clock.now(), (clock.now() + leaseMs) as EpochMs, atATime)
      await Promise.all(taken.map((notice) => deliver(notice)))
    } while (taken.length === atATime)
    // By the time that really passes: a clock that was set must not end the counting.
    if (performance.now() - lastCount < countEveryMs) return
    lastCount = performance.now()
    const { waiting, waitingSince } = await outbox.counts(now)
    noteWaiting(waiting, waitingSince === undefined ? 0 : Math.max(0, now - waitingSince) / 1000)
  }

  async function deliver(taken: TakenNotice): Promise<void> {
    try {
      await send(options, taken)
    } catch (error) {
      if (!(error instanceof DeliveryFailure)) throw error
      await fail(taken, error)
      return
    }
    await outbox.markSent(taken.id, clock.now())
    count(taken.channel, 'sent')
  }

  async function fail({ id, channel, kind, about, attempts, createdAt }: TakenNotice, failure: DeliveryFailure) {
    const now = clock.now()
    const wait = Math.min(firstWaitMs * 2 ** (attempts - 1), longestWaitMs)
    if (failure.isPermanent || now + wait > createdAt + worthMs[channel]) {
      await outbox.giveUp(id, now, failure.code)
      count(channel, 'given_up')
      logger.error({ notice: id, channel, kind, about, attempts, failure: failure.code }, 'a message was given up')
      return
    }
    await outbox.postpone(id, (now + wait) as EpochMs, failure.code)
    count(channel, 'postponed')
    if (attempts === 1) logger.warn({ notice: id, channel, kind, about, failure: failure.code }, 'a message waits')
  }

  return {
    turn() {
      underWay ??= work().finally(() => {
        underWay = undefined
      })
      return underWay
    },
  }
}

async function send({ dataKeys, issuer, mail, webhook, clock }: SenderOptions, taken: TakenNotice): Promise<void> {
  const { id, channel, kind, sealed, dataKeyId } = taken
  const opened = unseal(dataKeys.sealingKey(dataKeyId), 'notice', id, sealed)
  if (opened === undefined) throw new DeliveryFailure('notice.unreadable', true)
  const { mail: letter, notice, at } = JSON.parse(opened.toString()) as SealedNotice
  if (channel === 'webhook') {
    if (webhook === undefined) throw new DeliveryFailure('webhook.not_configured', false)
    await webhook.send({ id, notice, at, now: clock.now() })
    return
  }
  if (mail === undefined || letter === undefined) throw new DeliveryFailure('mail.not_configured', false)
  await mail.send({ id, kind, to: letter.to, at, ...writeMessage(notice, letter.reader, issuer) })
}
