import { revocationEventName, revocationHeartbeatSeconds, type RevocationFeed } from '@latchkey/protocol'
import { parseJson } from '../issuer/fetch-document.ts'
import { EventStreamReader } from './event-stream.ts'
import { letProcessEnd } from '../pause.ts'
import { readFeed } from './read-feed.ts'
import type { FeedRefusal, RevocationFailure } from './revocation-failure.ts'

export interface ReadStreamOptions {
  readonly url: string
  readonly issuer: string
  /** Where to begin; without it the stream begins with a snapshot. */
  readonly after: number | undefined
  readonly fetch: typeof globalThis.fetch
  /** Of one event. */
  readonly maxResponseBytes: number
  /** Ends the stream from here. */
  readonly signal: AbortSignal
  /** Takes a document that came after the cursor; returns why it is not believed. */
  readonly take: (feed: RevocationFeed, after: number | undefined) => FeedRefusal | undefined
}

/** After this long without a document the stream is taken for dead. Comments are no sign of life: a proxy may send them of its own. */
const maxSilenceMs = 3 * revocationHeartbeatSeconds * 1000

/**
 * Follows the feed as server-sent events until it ends, falls silent, or says something that is not believed; returns which. Never rejects. Only
 * events named `revocations` count.
 */
export async function readStream(options: ReadStreamOptions): Promise<RevocationFailure> {
  const { url, issuer, take } = options
  const silence = new AbortController()
  let silenceTimer = setTimeout(() => silence.abort(), maxSilenceMs)
  letProcessEnd(silenceTimer)
  const hear = (): void => {
    clearTimeout(silenceTimer)
    silenceTimer = setTimeout(() => silence.abort(), maxSilenceMs)
    letProcessEnd(silenceTimer)
  }

  let { after } = options
  const failed = (reason: RevocationFailure['reason'], status?: number): RevocationFailure =>
    status === undefined ? { url, reason } : { url, reason, status }
  try {
    const response = await options.fetch(url, {
      headers: { accept: 'text/event-stream', ...(after !== undefined && { 'last-event-id': String(after) }) },
      cache: 'no-store',
      redirect: 'error',
      signal: AbortSignal.any([options.signal, silence.signal]),
    })
    if (response.status !== 200 || !isEventStream(response.headers)) {
      await response.body?.cancel()
      return failed(response.status === 200 ? 'stream.not_an_event_stream' : 'http_status', response.status)
    }
    const reader = new EventStreamReader(options.maxResponseBytes)
    for await (const chunk of response.body ?? []) {
      const events = reader.read(chunk)
      if (events === undefined) return failed('stream.event_too_large')
      for (const { name, data } of events) {
        if (name !== revocationEventName) continue
        const read = readFeed(parseJson(data), issuer)
        const refusal = read.ok ? take(read.feed, after) : read.reason
        if (refusal !== undefined) return failed(refusal)
        after = read.ok ? read.feed.sequence : after
        hear()
      }
    }
    return failed('stream.ended')
  } catch {
    return failed(silence.signal.aborted ? 'stream.silent' : 'stream.ended')
  } finally {
    clearTimeout(silenceTimer)
    // Nobody may go on sending to a stream that nobody reads.
    silence.abort()
  }
}

function isEventStream(headers: Headers): boolean {
  return /^text\/event-stream\s*(?:;|$)/i.test(headers.get('content-type') ?? '')
}
