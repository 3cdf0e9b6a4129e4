import { revocationCursorParameter, type RevocationEntry, type RevocationFeed } from '@latchkey/protocol'
import type { GuardEventListener } from '../events.ts'
import { fetchDocument } from '../issuer/fetch-document.ts'
import type { IssuerEndpoints } from '../issuer/issuer-endpoints.ts'
import { KnownRevocations, type Contact, type KnownRevocationsSettings } from './known-revocations.ts'
import { backoffMs, pause } from '../pause.ts'
import { readFeed } from './read-feed.ts'
import { readStream } from './read-stream.ts'
import type { FeedRefusal, RevocationFailure } from './revocation-failure.ts'
import type { Ending, RevocableToken } from './revocation-list.ts'
import type { Revocations } from './revocations.ts'

export interface RevocationFollowerSettings extends KnownRevocationsSettings {
  /** For documents: requests wait for them, so they may keep the process alive, each as long as `timeoutMs`. */
  readonly fetch: typeof globalThis.fetch
  /** For the stream, which must not. */
  readonly streamFetch: typeof globalThis.fetch
  readonly onEvent: GuardEventListener
  /** For one document, discovery included. */
  readonly timeoutMs: number
  readonly maxResponseBytes: number
}

/** What a guard does with news. */
export interface NewsListener {
  /** A signing key ended, so that another one signs now. */
  keyEnded(): void
  /** The issuer was heard; `changed` when it said more than that it is there. */
  heard(changed: boolean): void
}

/** Pause between two documents where no stream can be had, in milliseconds. */
const pollIntervalMs = 1000

/** Longest pause between two attempts to get a document, in milliseconds. */
const maxPollBackoffMs = 10_000

/** Longest pause between two attempts to get a stream, in milliseconds. */
const maxStreamBackoffMs = 30_000

/** Where nothing can be relied on, requests ask the issuer again after so long, in seconds. */
const retryIntervalSeconds = 2

/**
 * Follows the issuer's revocations: a first document, then the stream; and as long as the stream delivers nothing, a document every second. Keeps
 * no process alive, but for a document that is on its way. Whatever is not believed is reported and changes nothing, so that a feed that lies or is cut off ends in staleness and never in
 * trust. What is known, and for how long it can be relied on: {@link KnownRevocations}.
 */
export class RevocationFollower implements Revocations {
  readonly #settings: RevocationFollowerSettings
  readonly #endpoints: IssuerEndpoints
  readonly #news: NewsListener
  readonly #known: KnownRevocations
  readonly #closing = new AbortController()
  /** The stream has delivered a document and goes on. */
  #streaming = false
  #inContact = false
  #flight: Promise<boolean> | undefined
  /** When the last attempt to get a document was over, however it ended. */
  #askedAtMs: number | undefined

  constructor(settings: RevocationFollowerSettings, endpoints: IssuerEndpoints, news: NewsListener) {
    this.#settings = settings
    this.#endpoints = endpoints
    this.#news = news
    this.#known = new KnownRevocations(settings)
  }

  /** Begins to follow, once. Resolves when the issuer has answered or failed for the first time; never rejects. */
  async start(): Promise<void> {
    if (this.#closing.signal.aborted) return
    await this.#poll()
    void this.#followByDocuments()
    void this.#followByStream()
  }

  /** Ends following for good. What is known goes stale in its own time. */
  close(): void {
    this.#closing.abort()
  }

  contact(): Contact | Promise<Contact> {
    const contact = this.#known.contact()
    return contact === 'current' ? contact : this.#contactAfterAsking()
  }

  /** Whether what ended is known well enough, without asking. */
  get isKnown(): boolean {
    return this.#known.contact() === 'current'
  }

  hasKey(keyId: string): boolean {
    return this.#known.list.hasKey(keyId)
  }

  endingOf(token: RevocableToken): Ending | undefined {
    return this.#known.list.endingOf(token)
  }

  /** Begins with what was kept, unless the issuer was heard already. Returns why it is not believed. */
  restore(feed: RevocationFeed): FeedRefusal | undefined {
    return this.#known.sequence === undefined ? this.#known.take(feed, undefined) : undefined
  }

  /** Everything that is known, for another process to begin with. */
  snapshot(): RevocationFeed | undefined {
    return this.#known.snapshot()
  }

  async #contactAfterAsking(): Promise<Contact> {
    if (this.#flight !== undefined || this.#mayAsk()) await this.#poll()
    return this.#known.contact()
  }

  /** After a clock was set back, nothing counts as recent. */
  #mayAsk(): boolean {
    if (this.#closing.signal.aborted) return false
    const elapsedMs = this.#settings.now() - (this.#askedAtMs ?? Number.NEGATIVE_INFINITY)
    return !(elapsedMs >= 0 && elapsedMs < retryIntervalSeconds * 1000)
  }

  /** Asks for what is new; one request at a time. Never rejects; `true` when all of it came and was believed. */
  #poll(): Promise<boolean> {
    this.#flight ??= this.#ask()
      .then((failure) => {
        if (failure !== undefined) this.#lose(failure)
        this.#askedAtMs = this.#settings.now()
        return failure === undefined
      })
      // Only a clock that throws ends here; a background task must not take the API's process with it.
      .catch(() => false)
      .finally(() => {
        this.#flight = undefined
      })
    return this.#flight
  }

  async #ask(): Promise<RevocationFailure | undefined> {
    const { issuer, fetch, maxResponseBytes, timeoutMs } = this.#settings
    let after = this.#known.sequence
    // As often as there is more: every answer is nearer to the end, or refused.
    while (true) {
      const options = { fetch, maxResponseBytes, signal: AbortSignal.timeout(timeoutMs) }
      const endpoint = await this.#endpoints.find('lk_revocations_uri', options)
      if (!endpoint.ok) return endpoint.failure
      const fetched = await fetchDocument(withCursor(endpoint.url, after), options)
      if (fetched.outcome === 'failed') return { ...fetched.failure, url: endpoint.url }
      const read = readFeed(fetched.outcome === 'document' ? fetched.document : undefined, issuer)
      const refusal = read.ok ? this.#take(read.feed, after) : read.reason
      if (refusal !== undefined) return { url: endpoint.url, reason: refusal }
      if (read.ok && !read.feed.more) return undefined
      after = read.ok ? read.feed.sequence : after
    }
  }

  async #followByDocuments(): Promise<void> {
    const { signal } = this.#closing
    let failures = 0
    while (!signal.aborted) {
      await pause(failures === 0 ? pollIntervalMs : backoffMs(failures, maxPollBackoffMs), signal)
      if (signal.aborted || this.#streaming) failures = 0
      else failures = (await this.#poll()) ? 0 : failures + 1
    }
  }

  async #followByStream(): Promise<void> {
    const { signal } = this.#closing
    let failures = 0
    while (!signal.aborted) {
      const delivered = await this.#stream()
      failures = delivered ? 0 : failures + 1
      await pause(backoffMs(failures, maxStreamBackoffMs), signal)
    }
  }

  /** Reads one stream to its end; `true` when it delivered anything. */
  async #stream(): Promise<boolean> {
    const { issuer, fetch, streamFetch, maxResponseBytes, timeoutMs } = this.#settings
    const options = { fetch, maxResponseBytes, signal: AbortSignal.timeout(timeoutMs) }
    const endpoint = await this.#endpoints.find('lk_revocations_uri', options)
    // Whoever asks for documents meets the same failure, and reports it.
    if (!endpoint.ok) return false
    let delivered = false
    const failure = await readStream({
      url: endpoint.url,
      issuer,
      after: this.#known.sequence,
      fetch: streamFetch,
      maxResponseBytes,
      signal: this.#closing.signal,
      take: (feed, after) => {
        const refusal = this.#take(feed, after)
        delivered ||= refusal === undefined
        this.#streaming = refusal === undefined
        return refusal
      },
    })
    this.#streaming = false
    if (!this.#closing.signal.aborted) this.#settings.onEvent({ type: 'revocations.failed', failure })
    return delivered
  }

  #take(feed: RevocationFeed, after: number | undefined): FeedRefusal | undefined {
    const before = this.#known.sequence
    // In a first document there is no news: the keys are being loaded at the same time.
    const newlyEnded = (entry: RevocationEntry): boolean => entry.kind === 'kid' && !this.hasKey(entry.subject)
    const keyEnded = before !== undefined && feed.entries.some(newlyEnded)
    const refusal = this.#known.take(feed, after)
    if (refusal !== undefined) return refusal
    if (!this.#inContact && !feed.more) {
      this.#inContact = true
      const { sequence, as_of: asOf } = feed
      this.#settings.onEvent({ type: 'revocations.loaded', sequence, asOf, entries: this.#known.list.size })
    }
    if (keyEnded) this.#news.keyEnded()
    this.#news.heard(this.#known.sequence !== before)
    return undefined
  }

  #lose(failure: RevocationFailure): void {
    if (this.#closing.signal.aborted) return
    this.#inContact = false
    // The feed may have moved: look where it is the next time.
    this.#endpoints.forget()
    this.#settings.onEvent({ type: 'revocations.failed', failure })
  }
}

function withCursor(url: string, after: number | undefined): string {
  if (after === undefined) return url
  const asked = new URL(url)
  asked.searchParams.set(revocationCursorParameter, String(after))
  return asked.href
}
