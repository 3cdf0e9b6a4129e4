import {
  revocationCursorParameter,
  revocationEventName,
  revocationHeartbeatSeconds,
  type RevocationFeed,
} from '@latchkey/protocol'
import type { Endpoint, HttpRequest, HttpResponse, ResponseStream } from '../http/exchange.ts'
import { problem } from '../http/problem.ts'
import type { PublishedRevocations } from '../tokens/revocation-feed.ts'

/** Streams at a time in one process; further verifiers are told to ask for JSON instead. */
const maxStreams = 2000

const shared = [
  'Cache-Control',
  'no-store',
  'Access-Control-Allow-Origin',
  '*',
  'X-Content-Type-Options',
  'nosniff',
  'Vary',
  'Accept',
]

/**
 * `GET /oauth2/revocations?after=<sequence>`: what ended since then, as JSON; with `Accept: text/event-stream` the same as server-sent events, each as
 * soon as it is known and at least one every {@link revocationHeartbeatSeconds}. Public: it names random ids only.
 */
export function revocationFeedEndpoint(
  revocations: PublishedRevocations,
): Endpoint & { readonly streams: () => number } {
  const open = new Set<ResponseStream>()

  function answer(request: HttpRequest): HttpResponse {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return problem(405, 'Method not allowed', 'use GET', ['Allow', 'GET, HEAD'])
    }
    const cursor = readCursor(request)
    if (cursor === 'malformed') {
      return problem(400, 'Bad request', `${revocationCursorParameter} is the sequence of an earlier answer, once`)
    }
    if (!wantsStream(request)) {
      const headers = [...shared, 'Content-Type', 'application/json']
      return { status: 200, headers, body: JSON.stringify(revocations.since(cursor)) }
    }
    if (open.size >= maxStreams) {
      return problem(503, 'Too many streams', 'ask without Accept: text/event-stream', ['Retry-After', '5'])
    }
    return {
      status: 200,
      // For proxies that would hold events back until there are many.
      headers: [...shared, 'X-Accel-Buffering', 'no', 'Content-Type', 'text/event-stream'],
      body: '',
      goOn: (stream) => {
        follow(revocations, stream, cursor)
        open.add(stream)
        stream.onEnd(() => open.delete(stream))
      },
    }
  }
  return Object.assign((request: HttpRequest) => Promise.resolve(answer(request)), { streams: () => open.size })
}

/** Sends what there is, then every change, then heartbeats, until the stream ends. */
function follow(revocations: PublishedRevocations, stream: ResponseStream, from: number | undefined): void {
  let cursor = from
  const send = () => {
    let feed: RevocationFeed
    do {
      feed = revocations.since(cursor)
      cursor = feed.sequence
      stream.send(`event: ${revocationEventName}\nid: ${feed.sequence}\ndata: ${JSON.stringify(feed)}\n\n`)
    } while (feed.more)
  }
  send()
  const stopFollowing = revocations.onChange(send)
  const heartbeat = setInterval(send, revocationHeartbeatSeconds * 1000)
  heartbeat.unref()
  stream.onEnd(() => {
    stopFollowing()
    clearInterval(heartbeat)
  })
}

/** Whether the caller asks for events by name; a range that takes anything does not. */
function wantsStream(request: HttpRequest): boolean {
  return (request.headers.accept ?? '')
    .split(',')
    .some((range) => range.split(';')[0]?.trim().toLowerCase() === 'text/event-stream')
}

/** `Last-Event-ID`, which a browser's EventSource sends when it connects again, is newer than the query that it was opened with. */
function readCursor(request: HttpRequest): number | 'malformed' | undefined {
  const query = new URLSearchParams(request.query)
  for (const name of query.keys()) if (name !== revocationCursorParameter) return 'malformed'
  const given = query.getAll(revocationCursorParameter)
  if (given.length > 1) return 'malformed'
  const lastEventId = request.headers['last-event-id']
  const text = typeof lastEventId === 'string' && lastEventId !== '' ? lastEventId : given[0]
  if (text === undefined) return undefined
  const cursor = Number(text)
  return /^\d{1,16}$/.test(text) && Number.isSafeInteger(cursor) ? cursor : 'malformed'
}
