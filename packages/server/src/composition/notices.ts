import path from 'node:path'
import type { Config } from '../config/config.ts'
import { every } from '../kernel/background.ts'
import { fileTransport, smtpTransport, type MailTransport } from '../notices/mail.ts'
import { createNotifier, type Notifier } from '../notices/notifier.ts'
import { createSender } from '../notices/sender.ts'
import { webhookTransport } from '../notices/webhook.ts'
import type { Core } from './core.ts'
import type { Observation } from './observation.ts'
import type { Surroundings } from './surroundings.ts'

/** How changes tell people of themselves; in every process. */
export function openNotifier(
  { dataKeys }: Pick<Core, 'dataKeys'>,
  { mode, notices }: Config,
  { random }: Pick<Surroundings, 'random'>,
): Notifier {
  const { smtp, teamAddresses, webhook } = notices
  const sendsMail = smtp !== undefined || mode === 'dev'
  return createNotifier({ sendsMail, teamAddresses, hasWebhook: webhook !== undefined }, dataKeys, random)
}

/** Sends what is queued, whoever queued it: in one process of each server. */
export function sendNotices(
  { dataKeys, store }: Core,
  config: Config,
  issuer: string,
  { metrics }: Pick<Observation, 'metrics'>,
  surroundings: Surroundings,
  started: AsyncDisposableStack,
): void {
  const { clock, logger } = surroundings
  const { webhook } = config.notices
  const sender = createSender({
    outbox: store.outbox,
    dataKeys,
    issuer,
    mail: mailTransport(config, surroundings),
    webhook: webhook && webhookTransport(webhook),
    clock,
    logger,
    count: metrics.countNotice,
    noteWaiting: metrics.noteWaitingNotices,
  })
  every(started, 1000, logger, () => sender.turn())
  // What is under way is finished before the database is given back.
  started.defer(() => sender.turn().catch(() => undefined))
}

function mailTransport(
  { mode, notices, dataDirectory }: Config,
  { announce }: Surroundings,
): MailTransport | undefined {
  if (notices.smtp !== undefined) return smtpTransport(notices.smtp, notices.from)
  if (mode !== 'dev') return undefined
  return fileTransport(path.join(dataDirectory, 'mail'), notices.from, (file, to) => {
    announce?.(`mail to ${to}: ${file}`)
  })
}
