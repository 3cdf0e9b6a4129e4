import type { GuardEventListener } from '../events.ts'
import type { DocumentFailure } from '../issuer/document-failure.ts'
import type { ResourceServerEndpoint } from '../resource-server/resource-server-endpoint.ts'
import { isRecord, isVersion, readNetwork, type Network, type PolicyReference } from './read-network-claim.ts'

export type FoundPolicy =
  | { readonly outcome: 'found'; readonly network: Network }
  /** The issuer answers that there is none for this API. */
  | { readonly outcome: 'none' }
  /** It cannot be asked at the moment. */
  | { readonly outcome: 'unavailable' }
  /** This guard was given no credential to ask with. */
  | { readonly outcome: 'no_credential' }

export interface NetworkPoliciesSettings {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly onEvent: GuardEventListener
  /** How long a known policy serves while the issuer does not answer. */
  readonly maxStalenessSeconds: number
}

/** A policy as the issuer answered it, for another process to begin with. */
export interface PublishedPolicy {
  readonly document: unknown
  readonly confirmedAtMs: number
}

interface KnownPolicy extends PublishedPolicy {
  readonly network: Network
  readonly version: number
  readonly weight: number
  readonly freshnessMs: number
}

/** What may be kept: a policy counts as its ranges and patterns, and one more. */
const maxWeight = 250_000
const maxPolicies = 10_000

/** A policy changes its version when it is changed; an address whose end date has come does not: so they are asked for again, in milliseconds. */
const maxFreshnessMs = 60_000
const minFreshnessMs = 1000

/** How long an answer that there is none, or a failure, keeps from asking again, in milliseconds. */
const retryIntervalMs = 2000

/** How long after a failure the issuer counts as down, so that requests whose policy is known do not wait for the next, in milliseconds. */
const knownDownMs = 30_000

/**
 * Policies that tokens name by id and version, asked for once and kept: bounded, the longest unused dropped first. One whose version is lower than a token names
 * is asked for again; a higher one is newer and fine. One request for each policy at a time.
 */
export class NetworkPolicies {
  readonly #settings: NetworkPoliciesSettings
  readonly #endpoint: ResourceServerEndpoint
  readonly #changed: () => void
  readonly #known = new Map<string, KnownPolicy>()
  readonly #flights = new Map<string, Promise<void>>()
  /** Of the last question that brought nothing. */
  readonly #missed = new Map<string, { readonly atMs: number; readonly isNone: boolean }>()
  #weight = 0

  constructor(settings: NetworkPoliciesSettings, endpoint: ResourceServerEndpoint, changed: () => void) {
    this.#settings = settings
    this.#endpoint = endpoint
    this.#changed = changed
  }

  get published(): readonly PublishedPolicy[] {
    return [...this.#known.values()].map(({ document, confirmedAtMs }) => ({ document, confirmedAtMs }))
  }

  /** Begins with what was kept; what is not understood is left out, and asked for when it is needed. */
  restore(policies: readonly PublishedPolicy[]): void {
    for (const { document, confirmedAtMs } of policies) {
      const id = isRecord(document) ? document['id'] : undefined
      const read = typeof id === 'string' ? readPolicy(id, document) : undefined
      if (read !== undefined && typeof id === 'string' && !this.#known.has(id)) {
        this.#keep(id, { ...read, document, confirmedAtMs, freshnessMs: 0 })
      }
    }
  }

  /** Never rejects for want of the issuer. */
  async find({ id, version }: PolicyReference): Promise<FoundPolicy> {
    const now = this.#settings.now()
    const known = this.#known.get(id)
    if (known === undefined || known.version < version || !(ageMs(now, known.confirmedAtMs) < known.freshnessMs)) {
      if (!this.#endpoint.canAsk) return { outcome: 'no_credential' }
      const missedMs = ageMs(now, this.#missed.get(id)?.atMs ?? Number.NaN)
      const asked = missedMs < retryIntervalMs ? undefined : this.#ask(id)
      if (known === undefined || known.version < version || !(missedMs < knownDownMs)) await asked
    }
    return this.#judge(id, version)
  }

  #judge(id: string, version: number): FoundPolicy {
    const known = this.#known.get(id)
    const maxAgeMs = this.#settings.maxStalenessSeconds * 1000
    const isUsable = known !== undefined && known.version >= version
    if (isUsable && ageMs(this.#settings.now(), known.confirmedAtMs) < maxAgeMs) {
      // The last used stands last.
      this.#known.delete(id)
      this.#known.set(id, known)
      return { outcome: 'found', network: known.network }
    }
    return { outcome: this.#missed.get(id)?.isNone === true ? 'none' : 'unavailable' }
  }

  #ask(id: string): Promise<void> {
    const flight = this.#flights.get(id) ?? this.#load(id).finally(() => this.#flights.delete(id))
    this.#flights.set(id, flight)
    return flight
  }

  async #load(id: string): Promise<void> {
    const askedAtMs = this.#settings.now()
    const fetched = await this.#endpoint.policy(id)
    if (fetched.outcome === 'document') {
      const read = readPolicy(id, fetched.document)
      if (read === undefined) return this.#miss(id, { url: this.#endpoint.url, reason: 'policy.not_understood' })
      this.#missed.delete(id)
      const freshnessMs = readFreshnessMs(fetched.headers)
      this.#keep(id, { ...read, document: fetched.document, confirmedAtMs: askedAtMs, freshnessMs })
      this.#changed()
    } else if (fetched.outcome === 'failed') this.#miss(id, { ...fetched.failure, url: this.#endpoint.url })
  }

  #miss(id: string, failure: DocumentFailure): void {
    const isNone = failure.status === 404
    if (isNone) this.#drop(id)
    this.#missed.delete(id)
    this.#missed.set(id, { atMs: this.#settings.now(), isNone })
    if (this.#missed.size > maxPolicies) this.#missed.delete(this.#missed.keys().next().value ?? '')
    this.#settings.onEvent({ type: 'policies.failed', failure })
  }

  #keep(id: string, policy: KnownPolicy): void {
    this.#drop(id)
    this.#known.set(id, policy)
    this.#weight += policy.weight
    for (const oldest of this.#known.keys()) {
      if (this.#weight <= maxWeight && this.#known.size <= maxPolicies) break
      if (oldest !== id) this.#drop(oldest)
    }
  }

  #drop(id: string): void {
    this.#weight -= this.#known.get(id)?.weight ?? 0
    this.#known.delete(id)
  }
}

function readPolicy(id: string, document: unknown): Pick<KnownPolicy, 'network' | 'version' | 'weight'> | undefined {
  if (!isRecord(document) || document['id'] !== id || !isVersion(document['version'])) return undefined
  const network = readNetwork(document['restriction'])
  if (network === undefined) return undefined
  const { ranges, endpoints } = network === 'unrestricted' ? {} : network
  const weight = 1 + (ranges?.length ?? 0) + (endpoints?.length ?? 0)
  return { network, version: document['version'], weight }
}

/** Infinity for what the clock puts into the future: after a clock was set back, nothing counts as recent. */
function ageMs(now: number, atMs: number): number {
  const age = now - atMs
  return age >= 0 ? age : Number.POSITIVE_INFINITY
}

function readFreshnessMs(headers: Headers): number {
  const seconds = /(?:^|[\s,])max-age="?(\d{1,10})/i.exec(headers.get('cache-control') ?? '')?.[1]
  const statedMs = seconds === undefined ? maxFreshnessMs : Number(seconds) * 1000
  return Math.min(Math.max(statedMs, minFreshnessMs), maxFreshnessMs)
}
