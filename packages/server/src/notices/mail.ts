import { mkdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { EpochMs } from '@latchkey/protocol'
import { createTransport } from 'nodemailer'
import { DeliveryFailure } from './delivery-failure.ts'
import type { Message } from './message.ts'

export interface OutgoingMail extends Message {
  /** Stays the same over every attempt, so that a receiver can tell a repetition (RFC 5322 §3.6.4). */
  readonly id: string
  readonly kind: string
  readonly to: string
  readonly at: EpochMs
}

export interface MailTransport {
  /** Throws DeliveryFailure. */
  send(mail: OutgoingMail): Promise<void>
}

export interface SmtpServer {
  readonly host: string
  readonly port: number
  /** TLS from the first byte (RFC 8314 §3.3); otherwise STARTTLS, without which nothing is sent. */
  readonly implicitTls: boolean
  /** False only for a relay on this machine. */
  readonly requiresTls: boolean
  readonly user: string | undefined
  readonly password: string | undefined
}

/** How long each step of a delivery may take, in milliseconds. */
const patience = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 30_000, dnsTimeout: 10_000 }

/** Nothing in a message is ever fetched. */
const sealedOff = { disableFileAccess: true, disableUrlAccess: true }

/** Sends by a mail server (RFC 5321), whose certificate is verified. */
export function smtpTransport(server: SmtpServer, from: string): MailTransport {
  const { host, port, implicitTls, requiresTls, user, password } = server
  const transport = createTransport({
    host,
    port,
    secure: implicitTls,
    requireTLS: requiresTls && !implicitTls,
    ...(user === undefined ? {} : { auth: { user, pass: password ?? '' } }),
    ...patience,
    ...sealedOff,
  })
  return {
    async send(mail) {
      try {
        await transport.sendMail(envelope(mail, from))
      } catch (error) {
        throw failureOf(error)
      }
    },
  }
}

/** Writes each mail to a file of its own: for development. `announce` is told of it. */
export function fileTransport(
  directory: string,
  from: string,
  announce: (file: string, to: string) => void,
): MailTransport {
  return {
    async send(mail) {
      mkdirSync(directory, { recursive: true, mode: 0o700 })
      const time = new Date(mail.at).toISOString().replaceAll(/[-:]|\.\d+/g, '')
      const file = path.join(directory, `${time}-${mail.kind}-${mail.id.slice(0, 6)}.eml`)
      await writeFile(file, readable(mail, from), { mode: 0o600 })
      announce(file, mail.to)
    },
  }
}

/** As it would be sent, but in whole lines (RFC 6532): a link in it can be copied. */
function readable({ id, to, at, subject, text }: OutgoingMail, from: string): string {
  const headers = [
    `From: Latchkey <${from}>`,
    `To: ${to}`,
    `Subject: ${subject}`,
    `Date: ${new Date(at).toUTCString()}`,
    `Message-ID: <${id}@${domainOf(from)}>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
  ]
  return `${headers.join('\n')}\n\n${text}`
}

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1)
}

function envelope(mail: OutgoingMail, from: string) {
  return {
    from: { name: 'Latchkey', address: from },
    // As an object, so that no comma or angle bracket can make two of it.
    to: { name: '', address: mail.to },
    subject: mail.subject,
    text: mail.text,
    messageId: `<${mail.id}@${domainOf(from)}>`,
    date: new Date(mail.at),
    // No out-of-office notice answers it (RFC 3834 §5).
    headers: { 'Auto-Submitted': 'auto-generated' },
  }
}

/** A mail server's permanent refusal (RFC 5321 §4.2.1: 5yz) will not change its mind; everything else may pass. */
function failureOf(error: unknown): DeliveryFailure {
  const { code = 'unknown', responseCode } = error as { code?: string; responseCode?: number }
  if (responseCode === undefined) return new DeliveryFailure(`mail.${code.toLowerCase()}`, false, { cause: error })
  // A wrong password is mended on our side.
  const isPermanent = responseCode >= 500 && code !== 'EAUTH' && code !== 'ETLS'
  return new DeliveryFailure(`mail.${responseCode}`, isPermanent, { cause: error })
}
