import { request as httpRequest, type ClientRequest } from 'node:http'
import type { AdminScope } from '@latchkey/admin-contract'
import { Failure } from '../failure.ts'
import { notRunning } from './locate-socket.ts'

export interface ConnectionRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** How long nothing may come, in milliseconds. */
  readonly timeout: number
}

/** The way to one server's admin API. */
export interface Connection {
  /** Begins a request; the caller sends its body and listens. */
  begin(options: ConnectionRequest): ClientRequest
  /** What a request for an operation with this scope must carry. Fails when nobody gives us leave. */
  authorization(scope: AdminScope): Promise<Readonly<Record<string, string>>>
  /** Why nothing came back. */
  describeError(error: NodeJS.ErrnoException): Failure
  /** What answered there is no Latchkey server, or one of a very different version. */
  notLatchkey(what: string, options?: ErrorOptions): Failure
}

/** To the server of this machine, which asks for nothing: who can open the socket may do all. */
export function socketConnection(socketPath: string): Connection {
  return {
    begin: (options) => httpRequest({ ...options, socketPath, headers: { host: 'localhost', ...options.headers } }),
    authorization: () => Promise.resolve({}),
    describeError(error) {
      // A killed server leaves its socket behind: the file is there, and nobody accepts.
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') return notRunning(`no server at ${socketPath}`)
      return noAnswer(socketPath, error)
    },
    notLatchkey: (what, options) => foreignAnswer(what, 'check --data-dir and LATCHKEY_ADMIN_SOCKET', options),
  }
}

export function noAnswer(where: string, error: Error): Failure {
  const message = `the server at ${where} did not answer: ${error.message}`
  return new Failure(1, 'server.no_answer', message, 'look at the log of the server; `latchkey doctor` may say more', {
    cause: error,
  })
}

export function foreignAnswer(what: string, hint: string, options?: ErrorOptions): Failure {
  const message = `what listens there does not answer like a Latchkey server (${what})`
  return new Failure(1, 'server.no_answer', message, hint, options)
}
