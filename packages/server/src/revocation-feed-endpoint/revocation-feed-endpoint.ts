import { revocationCursorParameter, revocationEventName, revocationHeartbeatSeconds } from '@latchkey/protocol'
import { addressPrefix } from '../http/address-prefix.ts'
import type { Endpoint, HttpRequest, HttpResponse, ResponseStream } from '../http/exchange.ts'
import { problem } from '../http/problem.ts'
import type { PublishedRevocations } from '../tokens/revocation-feed.ts'

/** Streams at a time in one process; further verifiers are told to ask for JSON instead. */
const maxStreams = 2000

/** Of them, streams of one address: a stranger who takes all that he can leaves the others theirs. */
const maxStreamsPerAddress = 500

/** Heartbeats for which a stream may wait for its reader; a verifier gives up sooner. */
const patienceBeats = 30

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
  let open = 0
  const openByAddress = new Map<string, number>()

  /** One stream more, or one less. */
  function count(address: string, change: 1 | -1): void {
    open += change
    const left = (openByAddress.get(address) ?? 0) + change
    if (left === 0) openByAddress.delete(address)
    else openByAddress.set(address, left)
  }

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
    const address = addressPrefix(request.address)
    if (open >= maxStreams || (openByAddress.get(address) ?? 0) >= maxStreamsPerAddress) {
      return problem(503, 'Too many streams', 'ask without Accept: text/event-stream', ['Retry-After', '5'])
    }
    // For proxies that would hold events back until there are many.
    const headers = [...shared, 'X-Accel-Buffering', 'no', 'Content-Type', 'text/event-stream']
    // A stream whose body is never sent would have no end either, and nothing that shows that its caller is gone.
    if (request.method === 'HEAD') return { status: 200, headers, body: '' }
    return {
      status: 200,
      headers,
      body: '',
      goOn: (stream) => {
        count(address, 1)
        stream.onEnd(() => {
          count(address, -1)
        })
        follow(revocations, stream, cursor)
      },
    }
  }
  return Object.assign((request: HttpRequest) => Promise.resolve(answer(request)), { streams: () => open })
}

/**
 * Sends what there is, then every change, then heartbeats, until the stream ends. No more than one answer waits for a slow reader: what happens meanwhile
 * comes with the next. One that takes nothing at all is cut off.
 */
function follow(revocations: PublishedRevocations, stream: ResponseStream, from: number | undefined): void {
  let cursor = from
  let keepsUp = true
  let missedBeats = 0
  const send = () => {
    while (keepsUp) {
      const feed = revocations.since(cursor)
      cursor = feed.sequence
      keepsUp = stream.send(`event: ${revocationEventName}\nid: ${feed.sequence}\ndata: ${JSON.stringify(feed)}\n\n`)
      if (!keepsUp) stream.onceTaken(goOn)
      if (!feed.more) return
    }
  }
  const goOn = () => {
    keepsUp = true
    missedBeats = 0
    if (cursor !== revocations.sequence) send()
  }
  const beat = () => {
    missedBeats = keepsUp ? 0 : missedBeats + 1
    if (missedBeats > patienceBeats) stream.cut()
    else send()
  }
  send()
  const stopFollowing = revocations.onChange(send)
  const heartbeat = setInterval(beat, revocationHeartbeatSeconds * 1000)
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
