import type { GuardEventListener } from '../events.ts'
import type { DocumentFailure } from '../issuer/document-failure.ts'
import { backoffMs, pause } from '../pause.ts'
import { readRules, type Rules } from './read-rules.ts'
import type { ResourceServerEndpoint } from './resource-server-endpoint.ts'

/** The rules as the issuer answered them, for another process to begin with. */
export interface PublishedRules {
  readonly document: unknown
  /** The issuer last confirmed them by an answer to a request sent then, in milliseconds since the epoch. */
  readonly confirmedAtMs: number
}

export interface EndpointRulesSettings {
  readonly resourceServer: string
  readonly audience: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly onEvent: GuardEventListener
  /** How long known rules serve while the issuer does not answer. */
  readonly maxStalenessSeconds: number
}

interface KnownRules extends PublishedRules {
  readonly rules: Rules
  readonly etag: string | undefined
}

/** Pause between two looks at the rules, in milliseconds: how long a changed rule may go unheard. */
const pollIntervalMs = 5000

/** Longest pause between two attempts at an issuer that does not answer, in milliseconds. */
const maxBackoffMs = 10_000

/**
 * The endpoint rules of this API as the issuer has them, asked for every five seconds (`If-None-Match`). Until the first good answer, or one that was kept,
 * nothing is known; afterwards they serve until `maxStalenessSeconds` after the last good answer. A document that is not understood as a whole changes nothing.
 */
export class EndpointRules {
  readonly #settings: EndpointRulesSettings
  readonly #endpoint: ResourceServerEndpoint
  readonly #changed: () => void
  readonly #closing = new AbortController()
  #known: KnownRules | undefined
  #first: Promise<void> | undefined

  constructor(settings: EndpointRulesSettings, endpoint: ResourceServerEndpoint, changed: () => void) {
    this.#settings = settings
    this.#endpoint = endpoint
    this.#changed = changed
  }

  get published(): PublishedRules | undefined {
    return this.#known
  }

  /** Begins with what was kept, unless the issuer was heard already. Returns whether it is understood. */
  restore({ document, confirmedAtMs }: PublishedRules): boolean {
    const { resourceServer, audience } = this.#settings
    const rules = readRules(document, resourceServer, audience)
    if (typeof rules === 'string') return false
    this.#known ??= { document, confirmedAtMs, rules, etag: undefined }
    return true
  }

  /** Begins to follow, once. Resolves when the issuer has answered or failed for the first time; never rejects. */
  start(): Promise<void> {
    this.#first ??= this.#ask().then((known) => void this.#follow(known ? 0 : 1))
    return this.#first
  }

  close(): void {
    this.#closing.abort()
  }

  /** What holds; undefined: nothing can be said at the moment. */
  current(): Rules | undefined {
    const elapsedMs = this.#settings.now() - (this.#known?.confirmedAtMs ?? Number.NaN)
    // Says what must hold: a clock that was set back, or that returns NaN, relies on nothing.
    return elapsedMs >= 0 && elapsedMs < this.#settings.maxStalenessSeconds * 1000 ? this.#known?.rules : undefined
  }

  async #follow(failuresSoFar: number): Promise<void> {
    const { signal } = this.#closing
    let failures = failuresSoFar
    while (!signal.aborted) {
      await pause(failures === 0 ? pollIntervalMs : backoffMs(failures, maxBackoffMs), signal)
      if (!signal.aborted) failures = (await this.#ask()) ? 0 : failures + 1
    }
  }

  /** `true` when the issuer answered and was understood. Never rejects. */
  async #ask(): Promise<boolean> {
    try {
      const failure = await this.#replaceRules(this.#settings.now())
      if (failure !== undefined) this.#settings.onEvent({ type: 'rules.failed', failure })
      return failure === undefined
    } catch {
      // Only a clock that throws ends here; a background task must not take the API's process with it.
      return false
    }
  }

  async #replaceRules(startedAtMs: number): Promise<DocumentFailure | undefined> {
    const { resourceServer, audience, onEvent } = this.#settings
    const fetched = await this.#endpoint.rules(this.#known?.etag)
    if (fetched.outcome === 'failed') return fetched.failure
    if (fetched.outcome === 'not_modified') {
      if (this.#known !== undefined) this.#known = { ...this.#known, confirmedAtMs: startedAtMs }
      return undefined
    }
    const { document, headers } = fetched
    const rules = readRules(document, resourceServer, audience)
    if (typeof rules === 'string') return { url: this.#endpoint.url, reason: rules }
    this.#known = { document, confirmedAtMs: startedAtMs, rules, etag: headers.get('etag') ?? undefined }
    onEvent({ type: 'rules.loaded', version: rules.version, rules: rules.list.length })
    this.#changed()
    return undefined
  }
}
