import type { GuardEventListener } from '../events.ts'
import type { VerificationAlgorithm } from '../verification-algorithm.ts'
import { discoverJwksUri } from './discover-jwks-uri.ts'
import { fetchDocument, type FetchDocumentOptions } from './fetch-document.ts'
import { readFreshnessSeconds } from './freshness.ts'
import { importKeySet } from './import-key-set.ts'
import type { KeyFailure } from './key-failure.ts'
import type { FoundKey, VerificationKey, VerificationKeys } from './verification-keys.ts'

export interface KeyCacheSettings {
  readonly issuer: string
  /** Without it, the issuer's metadata is asked. */
  readonly jwksUri: string | undefined
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

interface KnownKeys {
  readonly byId: ReadonlyMap<string, VerificationKey>
  /** The URL that they came from, and the validator that it gave: one is worth nothing without the other. */
  readonly jwksUri: string
  readonly etag: string | undefined
  /** The issuer last confirmed them by an answer to a request sent then. */
  readonly confirmedAtMs: number
  readonly freshnessSeconds: number
}

/**
 * The issuer's keys in memory. Fresh keys are used as they are; keys past their freshness are confirmed first, and if the issuer does not answer they
 * stay in use until `maxStalenessSeconds` after its last good answer; afterwards nothing verifies. An unknown `kid` asks the issuer
 * once in `unknownKeyCooldownSeconds`, so that a new key is found at once and invented ones cost nothing. One request at a time is under way.
 * Only a whole good answer replaces keys.
 */
export class KeyCache implements VerificationKeys {
  readonly #settings: KeyCacheSettings
  #known: KnownKeys | undefined
  #discoveredJwksUri: string | undefined
  #flight: Promise<void> | undefined
  /** Of the last attempt, if it failed. */
  #failedAtMs: number | undefined
  #askedForUnknownAtMs: number | undefined

  constructor(settings: KeyCacheSettings) {
    this.#settings = settings
  }

  async find(keyId: string): Promise<FoundKey> {
    if (!this.#isFresh()) {
      const refreshed = this.#refreshUnlessJustFailed()
      const knownDown = this.#secondsSince(this.#failedAtMs) < knownDownSeconds
      if (!this.#isUsable() || !knownDown) await refreshed
    }
    if (!this.#isUsable()) return unavailable
    const key = this.#known?.byId.get(keyId)
    if (key !== undefined) return { outcome: 'found', key }
    return this.#findUnknown(keyId)
  }

  async #findUnknown(keyId: string): Promise<FoundKey> {
    const { unknownKeyCooldownSeconds } = this.#settings
    if (this.#flight !== undefined) {
      await this.#flight
    } else if (this.#secondsSince(this.#askedForUnknownAtMs) >= unknownKeyCooldownSeconds) {
      this.#askedForUnknownAtMs = this.#settings.now()
      await this.#refresh()
    }
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
    this.#discoveredJwksUri = undefined
    this.#settings.onEvent({ type: 'keys.failed', failure })
  }

  async #replaceKeys(startedAtMs: number): Promise<KeyFailure | undefined> {
    const { issuer, algorithms, timeoutMs, fetch, maxResponseBytes, maxFreshnessSeconds, onEvent } = this.#settings
    const options: FetchDocumentOptions = { fetch, maxResponseBytes, signal: AbortSignal.timeout(timeoutMs) }

    let jwksUri = this.#settings.jwksUri ?? this.#discoveredJwksUri
    if (jwksUri === undefined) {
      const discovered = await discoverJwksUri(issuer, options)
      if (!discovered.ok) return discovered.failure
      jwksUri = this.#discoveredJwksUri = discovered.jwksUri
    }

    const known = this.#known?.jwksUri === jwksUri ? this.#known : undefined
    const fetched = await fetchDocument(jwksUri, { ...options, etag: known?.etag })
    if (fetched.outcome === 'failed') return fetched.failure
    const confirmed = {
      jwksUri,
      confirmedAtMs: startedAtMs,
      freshnessSeconds: readFreshnessSeconds(fetched.headers, maxFreshnessSeconds),
    }
    if (fetched.outcome === 'not_modified') {
      if (known !== undefined) this.#known = { ...known, ...confirmed }
      return undefined
    }
    const imported = await importKeySet(fetched.document, algorithms)
    if (!imported.ok) return { url: jwksUri, reason: imported.reason }
    this.#known = { ...confirmed, byId: imported.keys, etag: fetched.headers.get('etag') ?? undefined }
    onEvent({ type: 'keys.loaded', keyIds: [...imported.keys.keys()], ignored: imported.ignored })
    return undefined
  }
}

const unavailable: FoundKey = { outcome: 'unavailable', retryAfterSeconds: retryIntervalSeconds }
