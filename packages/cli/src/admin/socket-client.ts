import { request as httpRequest, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import type { ClientContext } from '@orpc/client'
import type { StandardLinkClient } from '@orpc/client/standard'
import { Failure } from '../failure.ts'
import { notRunning } from './locate-socket.ts'

type Call = StandardLinkClient<ClientContext>['call']
type LazyResponse = Awaited<ReturnType<Call>>

/** How long the server may be silent, in milliseconds. Verifying a long audit log takes its time. */
const silenceMs = 300_000

/**
 * HTTP over a unix socket, as oRPC's link wants it. node:http rather than a fetch: loading undici takes longer than all else that a
 * command does.
 */
export function socketClient(socketPath: string): { readonly call: Call } {
  return {
    call: (request) =>
      new Promise<LazyResponse>((resolve, reject) => {
        const body = request.body === undefined ? undefined : JSON.stringify(request.body)
        const sent = httpRequest({
          socketPath,
          method: request.method,
          path: request.url.pathname + request.url.search,
          timeout: silenceMs,
          headers: {
            host: 'localhost',
            accept: 'application/json, application/problem+json',
            ...(body === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
          },
        })
        sent.once('timeout', () => sent.destroy(new Error(`silent for ${silenceMs / 1000} s`)))
        sent.once('error', (error) => {
          reject(describeConnectionError(socketPath, error))
        })
        sent.once('response', (response) => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: () => readJson(response) })
        })
        sent.end(body)
      }),
  }
}

async function readJson(response: IncomingMessage): Promise<unknown> {
  const body = await text(response)
  try {
    return body === '' ? undefined : JSON.parse(body)
  } catch (error) {
    throw notLatchkey(`no JSON, status ${response.statusCode}`, { cause: error })
  }
}

/** Something else listens there, or a server of a very different version. */
export function notLatchkey(what: string, options?: ErrorOptions): Failure {
  return new Failure(
    1,
    'server.no_answer',
    `what listens there does not answer like a Latchkey server (${what})`,
    'check --data-dir and LATCHKEY_ADMIN_SOCKET',
    options,
  )
}

function describeConnectionError(socketPath: string, error: NodeJS.ErrnoException): Failure {
  // A killed server leaves its socket behind: the file is there, and nobody accepts.
  if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') return notRunning(`no server at ${socketPath}`)
  const message = `the server at ${socketPath} did not answer: ${error.message}`
  return new Failure(1, 'server.no_answer', message, 'look at the log of the server; `latchkey doctor` may say more', {
    cause: error,
  })
}
