import type { GuardEventListener } from '../events.ts'
import type { VerificationAlgorithm } from '../verification-algorithm.ts'
import { fetchDocument, type FetchDocumentOptions } from '../issuer/fetch-document.ts'
import type { IssuerEndpoints } from '../issuer/issuer-endpoints.ts'
import { AskBudget } from './ask-budget.ts'
import { readFreshnessSeconds } from './freshness.ts'
import { importKeySet } from './import-key-set.ts'
import type { KeyFailure } from './key-failure.ts'
import type { FoundKey, VerificationKey, VerificationKeys } from './verification-keys.ts'

export interface KeyCacheSettings {
  readonly algorithms: readonly VerificationAlgorithm[]
  readonly fetch: typeof globalThis.fetch
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly onEvent: GuardEventListener
  readonly maxFreshnessSeconds: number
  readonly maxStalenessSeconds: number
  readonly unknownKeyCooldownSeconds: number
  readonly timeoutMs: number
  readonly maxResponseBytes: number
}

/** Pause between two attempts at an issuer that does not answer, in seconds. */
const retryIntervalSeconds = 2

/** How long after a failed attempt the issuer counts as down, so that requests do not wait for the next, in seconds. */
const knownDownSeconds = 30

/** A key set as the issuer published it. */
export interface PublishedKeySet {
  readonly document: unknown
  /** The URL that it came from. */
  readonly jwksUri: string
  /** The issuer last confirmed it by an answer to a request sent then. */
  readonly confirmedAtMs: number
  /** Until when after that it need not be confirmed again. */
  readonly freshnessSeconds: number
}

interface KnownKeys extends PublishedKeySet {
  readonly byId: ReadonlyMap<string, VerificationKey>
  /** The validator that `jwksUri` gave: one is worth nothing without the other. */
  readonly etag: string | undefined
  /** The issuer has not confirmed them to this process yet. */
  readonly restored: boolean
}

/**
 * The issuer's keys in memory. Fresh keys are used as they are; keys past their freshness are confirmed first, and if the issuer does not answer they
 * stay in use until `maxStalenessSeconds` after its last good answer; afterwards nothing verifies. An unknown `kid` asks the issuer
 * at once, within an {@link AskBudget}: so a new key is found, invented ones cost little, and whoever spends the budget keeps the keys up to date by
 * that very deed (what is not known now is known `unknownKeyCooldownSeconds` later). One request at a time is under way. Only a whole good
 * answer replaces keys. Does not know what was revoked: a key can be in the set and dead.
 */
export class KeyCache implements VerificationKeys {
  readonly #settings: KeyCacheSettings
  readonly #endpoints: IssuerEndpoints
  readonly #budget: AskBudget
  #known: KnownKeys | undefined
  #flight: Promise<void> | undefined
  /** Of the last attempt, if it failed. */
  #failedAtMs: number | undefined

  constructor(settings: KeyCacheSettings, endpoints: IssuerEndpoints) {
    this.#settings = settings
    this.#endpoints = endpoints
    this.#budget = new AskBudget(settings.unknownKeyCooldownSeconds)
  }

  /** Whether there are keys, and young enough to be used. */
  get isKnown(): boolean {
    return this.#isUsable()
  }

  /** What is known, for another process to begin with. */
  get published(): PublishedKeySet | undefined {
    return this.#known
  }

  /**
   * Begins with a key set that was kept, unless the issuer was heard already: it serves as long as it would have in the process that kept it, and
   * no request waits for its confirmation. Returns whether it has a usable key.
   */
  async restore(published: PublishedKeySet): Promise<boolean> {
    const { algorithms, maxFreshnessSeconds } = this.#settings
    const imported = await importKeySet(published.document, algorithms)
    if (!imported.ok) return false
    const freshnessSeconds = Math.min(published.freshnessSeconds, maxFreshnessSeconds)
    this.#known ??= { ...published, freshnessSeconds, byId: imported.keys, etag: undefined, restored: true }
    return true
  }

  /** Asks the issuer now, because something is known to have changed there. Never rejects. */
  async renew(): Promise<void> {
    // One that is under way may have been answered before the change.
    await this.#flight
    await this.#refresh()
  }

  async load(): Promise<void> {
    if (this.#isFresh()) return
    const refreshed = this.#refreshUnlessJustFailed()
    const knownDown = this.#secondsSince(this.#failedAtMs) < knownDownSeconds
    if (!this.#isUsable() || !(knownDown || this.#known?.restored)) await refreshed
  }

  find(keyId: string): FoundKey | Promise<FoundKey> {
    const key = this.#isFresh() && this.#isUsable() ? this.#known?.byId.get(keyId) : undefined
    return key === undefined ? this.#findByAsking(keyId) : { outcome: 'found', key }
  }

  async #findByAsking(keyId: string): Promise<FoundKey> {
    if (!this.#isFresh()) await this.load()
    if (!this.#isUsable()) return unavailable
    const key = this.#known?.byId.get(keyId)
    if (key !== undefined) return { outcome: 'found', key }
    return this.#findUnknown(keyId)
  }

  async #findUnknown(keyId: string): Promise<FoundKey> {
    if (this.#flight !== undefined || this.#budget.take(this.#settings.now())) await this.#refresh()
    const key = this.#known?.byId.get(keyId)
    if (key !== undefined) return { outcome: 'found', key }
    // The key may be new, and the issuer cannot be asked: that is no fault of the token.
    return this.#failedAtMs === undefined ? { outcome: 'unknown' } : unavailable
  }

  #isFresh(): boolean {
    return this.#known !== undefined && this.#secondsSince(this.#known.confirmedAtMs) < this.#known.freshnessSeconds
  }

  #isUsable(): boolean {
    return this.#secondsSince(this.#known?.confirmedAtMs) < this.#settings.maxStalenessSeconds
  }

  /** Infinity for never, and for a moment that the clock puts into the future: after a clock was set back, nothing counts as recent. */
  #secondsSince(ms: number | undefined): number {
    const elapsedMs = this.#settings.now() - (ms ?? Number.NaN)
    return elapsedMs >= 0 ? elapsedMs / 1000 : Number.POSITIVE_INFINITY
  }

  #refreshUnlessJustFailed(): Promise<void> | undefined {
    const mayAsk = this.#flight !== undefined || this.#secondsSince(this.#failedAtMs) >= retryIntervalSeconds
    return mayAsk ? this.#refresh() : undefined
  }

  #refresh(): Promise<void> {
    this.#flight ??= this.#load().finally(() => {
      this.#flight = undefined
    })
    return this.#flight
  }

  async #load(): Promise<void> {
    const startedAtMs = this.#settings.now()
    const failure = await this.#replaceKeys(startedAtMs)
    this.#failedAtMs = failure && this.#settings.now()
    if (failure === undefined) return
    // The keys may have moved: look where they are the next time.
    this.#endpoints.forget()
    this.#settings.onEvent({ type: 'keys.failed', failure })
  }

  async #replaceKeys(startedAtMs: number): Promise<KeyFailure | undefined> {
    const { algorithms, timeoutMs, fetch, maxResponseBytes, maxFreshnessSeconds, onEvent } = this.#settings
    const options: FetchDocumentOptions = { fetch, maxResponseBytes, signal: AbortSignal.timeout(timeoutMs) }

    const endpoint = await this.#endpoints.find('jwks_uri', options)
    if (!endpoint.ok) return endpoint.failure
    const jwksUri = endpoint.url

    const known = this.#known?.jwksUri === jwksUri ? this.#known : undefined
    const fetched = await fetchDocument(jwksUri, { ...options, etag: known?.etag })
    if (fetched.outcome === 'failed') return fetched.failure
    const confirmed = {
      jwksUri,
      confirmedAtMs: startedAtMs,
      freshnessSeconds: readFreshnessSeconds(fetched.headers, maxFreshnessSeconds),
      restored: false,
    }
    if (fetched.outcome === 'not_modified') {
      if (known !== undefined) this.#known = { ...known, ...confirmed }
      return undefined
    }
    const imported = await importKeySet(fetched.document, algorithms)
    if (!imported.ok) return { url: jwksUri, reason: imported.reason }
    const { document } = fetched
    this.#known = { ...confirmed, document, byId: imported.keys, etag: fetched.headers.get('etag') ?? undefined }
    onEvent({ type: 'keys.loaded', keyIds: [...imported.keys.keys()], ignored: imported.ignored })
    return undefined
  }
}

const unavailable: FoundKey = { outcome: 'unavailable', retryAfterSeconds: retryIntervalSeconds }
