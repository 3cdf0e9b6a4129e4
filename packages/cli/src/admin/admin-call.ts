import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import type { AdminRoute } from '@latchkey/admin-contract'
import { adminRoutes } from '@latchkey/admin-contract/routes'
import type { ClientContext } from '@orpc/client'
import type { StandardLinkClient } from '@orpc/client/standard'
import type { Connection } from './connection.ts'

type Call = StandardLinkClient<ClientContext>['call']

/** How long the server may be silent, in milliseconds. Verifying a long audit log takes its time. */
const silenceMs = 300_000

interface Sent {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

interface Received {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/**
 * One operation over a connection, as oRPC's link wants it. A create carries an idempotency key, so that it can be sent once more when the
 * connection is lost before the answer is there: whether or not the first got through, it is done once. node:http rather than a fetch:
 * loading undici takes longer than all else that a command does.
 */
export function adminCall(connection: Connection): { readonly call: Call } {
  return {
    async call(request, _options, [noun = '', verb = '']) {
      const route = (adminRoutes as Readonly<Record<string, Readonly<Record<string, AdminRoute>>>>)[noun]?.[verb]
      if (route === undefined) throw new Error(`there is no operation ${noun}.${verb}`)
      const sent: Sent = {
        method: request.method,
        path: request.url.pathname + request.url.search,
        headers: {
          accept: 'application/json, application/problem+json',
          ...(await connection.authorization(route.scope)),
          ...(route.idempotencyKey ? { 'idempotency-key': randomUUID() } : {}),
        },
        body: request.body === undefined ? undefined : JSON.stringify(request.body),
      }
      const received = await exchange(connection, sent).catch((error: unknown) => {
        if (route.idempotencyKey && isLost(error)) return exchange(connection, sent)
        throw error
      })
      const body = readJson(connection, received)
      return { status: received.status, headers: received.headers, body: () => Promise.resolve(body) }
    },
  }
}

/** The whole answer, or the error of the connection. */
async function receive(connection: Connection, { method, path, headers, body }: Sent): Promise<Received> {
  const sized =
    body === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = connection.begin({ method, path, timeout: silenceMs, headers: { ...headers, ...sized } })
    outgoing.once('timeout', () => outgoing.destroy(new Error(`silent for ${silenceMs / 1000} s`)))
    outgoing.once('error', reject)
    outgoing.once('response', resolve)
    outgoing.end(body)
  })
  return { status: response.statusCode ?? 0, headers: response.headers, text: await text(response) }
}

async function exchange(connection: Connection, sent: Sent): Promise<Received> {
  try {
    return await receive(connection, sent)
  } catch (error) {
    throw connection.describeError(error as NodeJS.ErrnoException)
  }
}

/** Whether a connection that was there has gone: what was asked for may have been done. */
function isLost(error: unknown): boolean {
  const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined
  return cause?.code === 'ECONNRESET' || cause?.code === 'EPIPE' || cause?.code === 'ECONNABORTED'
}

function readJson(connection: Connection, { status, text: body }: Received): unknown {
  try {
    return body === '' ? undefined : JSON.parse(body)
  } catch (error) {
    throw connection.notLatchkey(`no JSON, status ${status}`, { cause: error })
  }
}
