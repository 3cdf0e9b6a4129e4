import type { AddressInfo } from 'node:net'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import type { SmtpServer } from './mail.ts'

/** A mail as it arrived: envelope and content. */
export interface ArrivedMail {
  readonly from: string
  readonly to: readonly string[]
  readonly raw: string
  readonly mail: Email
}

export interface MailServer {
  readonly arrived: readonly ArrivedMail[]
  /** Attempts, refused ones included. */
  readonly attempts: () => number
  readonly settings: SmtpServer
  close(): Promise<void>
}

export interface MailServerOptions extends SMTPServerOptions {
  /** What to answer the n-th mail with; 250 by default. */
  readonly answer?: (attempt: number) => number
  readonly port?: number
}

/** A real mail server on loopback. It asks for a name and a password. */
export async function startMailServer({
  answer = () => 250,
  port = 0,
  ...options
}: MailServerOptions = {}): Promise<MailServer> {
  const arrived: ArrivedMail[] = []
  let attempts = 0
  const server = new SMTPServer({
    authOptional: false,
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onAuth({ username, password }, _session, callback) {
      const isRight = username === 'latchkey' && password === 'correct horse'
      callback(isRight ? null : new Error('wrong password'), { user: 'latchkey' })
    },
    onData(stream, { envelope }, callback) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        attempts += 1
        const code = answer(attempts)
        if (code !== 250) {
          callback(Object.assign(new Error('not now'), { responseCode: code }))
          return
        }
        const accept = async () => {
          const raw = Buffer.concat(chunks).toString()
          const { mailFrom, rcptTo } = envelope
          arrived.push({
            from: mailFrom === false ? '' : mailFrom.address,
            to: rcptTo.map(({ address }) => address),
            raw,
            mail: await PostalMime.parse(raw),
          })
          callback()
        }
        void accept()
      })
    },
    ...options,
  })
  server.on('error', () => undefined)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    arrived,
    attempts: () => attempts,
    settings: {
      host: '127.0.0.1',
      port: (server.server.address() as AddressInfo).port,
      implicitTls: options.secure === true,
      requiresTls: false,
      user: 'latchkey',
      password: 'correct horse',
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
