import {
  maxTokenLifetimeSeconds,
  revocationCursorParameter,
  revocationEventName,
  revocationHeartbeatSeconds,
  type EpochSeconds,
  type RevocationEntry,
  type RevocationFeed,
} from '@latchkey/protocol'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** An entry without its end, which is a day after it was made. */
export type TestRevocation =
  | { readonly kind: 'credential'; readonly subject: string; readonly minimum: number }
  | { readonly kind: 'jti' | 'kid'; readonly subject: string }
  | { readonly kind: 'floor'; readonly minimum: number }

/** The revocation feed of a test issuer: documents by cursor, and the same as server-sent events with a heartbeat. */
export interface TestFeed {
  /** Publishes entries, each with a sequence of its own, to whoever follows the feed. */
  publish(...revocations: readonly TestRevocation[]): void
  /** Answers a request for the feed. */
  serve(request: IncomingMessage, response: ServerResponse): void
  /** What a request with this cursor gets. */
  read(after: number | undefined): RevocationFeed
  /** When set, `as_of` of every document, in seconds since the epoch: an issuer that is cut off from its database. */
  asOf: number | undefined
  /** Most entries in one document; the rest is announced by `more`. Default 1000. */
  pageSize: number
  /** Sends nothing more on the streams that are open, as behind a proxy that keeps everything back; new ones are served. */
  mute(): void
  /** How many streams are open and sent to. */
  readonly streams: number
  close(): void
}

export function createTestFeed(issuer: () => string, now: () => number): TestFeed {
  const published: { readonly sequence: number; readonly entry: RevocationEntry }[] = []
  const streams = new Map<ServerResponse, number | undefined>()
  let lastSequence = 0

  const nowSeconds = (): EpochSeconds => Math.floor(now() / 1000) as EpochSeconds

  const send = (response: ServerResponse): void => {
    let more = true
    while (more) {
      const document = feed.read(streams.get(response))
      streams.set(response, document.sequence)
      response.write(`id: ${document.sequence}\nevent: ${revocationEventName}\ndata: ${JSON.stringify(document)}\n\n`)
      more = document.more
    }
  }

  const heartbeat = setInterval(() => {
    for (const response of streams.keys()) send(response)
  }, revocationHeartbeatSeconds * 1000)
  heartbeat.unref()

  const feed: TestFeed = {
    asOf: undefined,
    pageSize: 1000,

    publish(...revocations) {
      const expires = { expires_at: (nowSeconds() + maxTokenLifetimeSeconds) as EpochSeconds }
      for (const revocation of revocations) {
        lastSequence = Math.max(lastSequence + 1, now())
        published.push({ sequence: lastSequence, entry: { ...revocation, ...expires } })
      }
      for (const response of streams.keys()) send(response)
    },

    read(after) {
      const waiting = published.filter(({ sequence }) => sequence > (after ?? -1))
      const page = waiting.slice(0, feed.pageSize)
      const more = waiting.length > page.length
      return {
        issuer: issuer(),
        snapshot: after === undefined,
        sequence: more ? (page.at(-1)?.sequence ?? lastSequence) : lastSequence,
        more,
        as_of: (feed.asOf ?? nowSeconds()) as EpochSeconds,
        entries: page.map(({ entry }) => entry),
      }
    },

    serve(request, response) {
      const after = readCursor(request)
      if (request.headers.accept?.startsWith('text/event-stream')) {
        response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
        streams.set(response, after)
        response.on('close', () => streams.delete(response))
        send(response)
        return
      }
      response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
      response.end(JSON.stringify(feed.read(after)))
    },

    mute: () => streams.clear(),

    get streams() {
      return streams.size
    },

    close: () => clearInterval(heartbeat),
  }
  return feed
}

function readCursor({ url = '/', headers }: IncomingMessage): number | undefined {
  const cursor =
    headers['last-event-id'] ?? new URL(url, 'http://issuer').searchParams.get(revocationCursorParameter) ?? ''
  return cursor === '' ? undefined : Number(cursor)
}
