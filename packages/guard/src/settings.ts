import {
  endpointPaths,
  isAbsoluteUri,
  isResourceServerName,
  protectedResourceMetadataUrl,
  type Proxy,
} from '@latchkey/protocol'
import { GuardConfigurationError, refuseUnknownOptions } from './configuration-error.ts'
import { safeListener } from './events.ts'
import type { KeyCacheSettings } from './keys/key-cache.ts'
import { quietFetch } from './issuer/quiet-fetch.ts'
import type { GuardOptions, KeyCacheOptions, RevocationOptions } from './options.ts'
import type { IssuerCredential } from './resource-server/issuer-credential.ts'
import type { ResourceServerEndpointSettings } from './resource-server/resource-server-endpoint.ts'
import type { RevocationFollowerSettings } from './revocations/revocation-follower.ts'
import type { SavedState } from './saved-state/saved-state.ts'
import { readProxyOptions } from './proxy-options.ts'
import { isSecureUrl } from './secure-url.ts'
import {
  isVerificationAlgorithm,
  verificationAlgorithms,
  type VerificationAlgorithm,
} from './verification-algorithm.ts'

/** {@link GuardOptions} checked, with nothing left open. */
export interface GuardSettings {
  readonly issuer: string
  readonly audience: string
  readonly resourceServer: string
  readonly algorithms: readonly VerificationAlgorithm[]
  readonly clockToleranceSeconds: number
  readonly maxTokenBytes: number
  /** `undefined` when the audience is no http(s) URL, so that nothing can be derived from it. */
  readonly resourceMetadataUrl: string | undefined
  readonly now: () => number
  readonly onEvent: ReturnType<typeof safeListener>
  /** Where the issuer's documents are, as far as the API says so. */
  readonly endpoints: { readonly jwks_uri: string | undefined; readonly lk_revocations_uri: string | undefined }
  readonly proxies: readonly Proxy[]
  readonly maxRememberedTokens: number
  /** Where this API asks what concerns itself. */
  readonly resourceServerEndpoint: ResourceServerEndpointSettings
  readonly keys: KeyCacheSettings
  readonly revocations: RevocationFollowerSettings
  readonly savedState: SavedState | undefined
}

const optionNames: Readonly<Record<keyof GuardOptions, true>> = {
  issuer: true,
  audience: true,
  resourceServer: true,
  algorithms: true,
  clockToleranceSeconds: true,
  jwksUri: true,
  revocationsUri: true,
  credential: true,
  resourceServerUri: true,
  resourceMetadataUrl: true,
  maxTokenBytes: true,
  proxies: true,
  maxRememberedTokens: true,
  keys: true,
  revocations: true,
  savedState: true,
  fetch: true,
  now: true,
  onEvent: true,
}

const keyOptionNames: Readonly<Record<keyof KeyCacheOptions, true>> = {
  maxFreshnessSeconds: true,
  maxStalenessSeconds: true,
  unknownKeyCooldownSeconds: true,
  timeoutMs: true,
  maxResponseBytes: true,
}

const revocationOptionNames: Readonly<Record<keyof RevocationOptions, true>> = {
  maxStalenessSeconds: true,
  maxEntries: true,
  timeoutMs: true,
  maxResponseBytes: true,
}

/**
 * Checks all options at once, before the API listens. Throws {@link GuardConfigurationError}, which names the option and the remedy.
 * Does not ask the issuer for anything: it may start later.
 */
export function readSettings(options: GuardOptions): GuardSettings {
  refuseUnknownOptions(options, optionNames, '')
  const keyOptions = options.keys ?? {}
  refuseUnknownOptions(keyOptions, keyOptionNames, 'keys.')
  const revocationOptions = options.revocations ?? {}
  refuseUnknownOptions(revocationOptions, revocationOptionNames, 'revocations.')

  const issuer = readIssuer(options.issuer)
  const audience = readAudience(options.audience)
  const algorithms = readAlgorithms(options.algorithms === undefined ? ['ES256'] : options.algorithms)
  const now = readFunction('now', options.now) ?? Date.now
  const onEvent = safeListener(readFunction('onEvent', options.onEvent))
  const clockToleranceSeconds = readNumber('clockToleranceSeconds', options.clockToleranceSeconds, 60, 0, 300)
  const fetch = readFunction('fetch', options.fetch)
  const maxStalenessSeconds = readNumber('keys.maxStalenessSeconds', keyOptions.maxStalenessSeconds, 3600, 10, 86_400)
  const maxFreshnessSeconds = readNumber('keys.maxFreshnessSeconds', keyOptions.maxFreshnessSeconds, 900, 10, 86_400)
  return {
    issuer,
    audience,
    resourceServer: readResourceServer(options.resourceServer),
    algorithms,
    clockToleranceSeconds,
    maxTokenBytes: readNumber('maxTokenBytes', options.maxTokenBytes, 8192, 512, 65_536),
    resourceMetadataUrl: readResourceMetadataUrl(options.resourceMetadataUrl, audience),
    now,
    onEvent,
    endpoints: {
      jwks_uri: readDocumentUri('jwksUri', options.jwksUri),
      lk_revocations_uri: readDocumentUri('revocationsUri', options.revocationsUri),
    },
    proxies: options.proxies === undefined ? [] : readProxyOptions(options.proxies),
    maxRememberedTokens: readNumber('maxRememberedTokens', options.maxRememberedTokens, 10_000, 0, 1_000_000),
    resourceServerEndpoint: {
      url: readDocumentUri('resourceServerUri', options.resourceServerUri) ?? issuer + endpointPaths.resourceServer,
      credential: readCredential(options.credential),
      fetch: fetch ?? globalThis.fetch,
      timeoutMs: 5000,
      maxResponseBytes: 4_194_304,
    },
    keys: {
      algorithms,
      fetch: fetch ?? globalThis.fetch,
      now,
      onEvent,
      // Keys that are too old to use are not fresh either.
      maxFreshnessSeconds: Math.min(maxFreshnessSeconds, maxStalenessSeconds),
      maxStalenessSeconds,
      unknownKeyCooldownSeconds: readNumber(
        'keys.unknownKeyCooldownSeconds',
        keyOptions.unknownKeyCooldownSeconds,
        2,
        1,
        3600,
      ),
      timeoutMs: readNumber('keys.timeoutMs', keyOptions.timeoutMs, 5000, 10, 60_000),
      maxResponseBytes: readNumber('keys.maxResponseBytes', keyOptions.maxResponseBytes, 65_536, 1024, 1_048_576),
    },
    revocations: {
      issuer,
      fetch: fetch ?? globalThis.fetch,
      streamFetch: fetch ?? quietFetch,
      now,
      onEvent,
      clockToleranceSeconds,
      ...readRevocationNumbers(revocationOptions),
    },
    savedState: readSavedState(options.savedState),
  }
}

function readRevocationNumbers(
  options: RevocationOptions,
): Pick<RevocationFollowerSettings, 'maxStalenessSeconds' | 'maxEntries' | 'timeoutMs' | 'maxResponseBytes'> {
  const { maxStalenessSeconds, maxEntries, timeoutMs, maxResponseBytes } = options
  return {
    maxStalenessSeconds: readNumber('revocations.maxStalenessSeconds', maxStalenessSeconds, 3600, 10, 86_400),
    maxEntries: readNumber('revocations.maxEntries', maxEntries, 250_000, 1000, 5_000_000),
    timeoutMs: readNumber('revocations.timeoutMs', timeoutMs, 5000, 10, 60_000),
    maxResponseBytes: readNumber('revocations.maxResponseBytes', maxResponseBytes, 4_194_304, 1024, 67_108_864),
  }
}

function readIssuer(issuer: unknown): string {
  // RFC 8414 §2: no query, no fragment.
  if (typeof issuer === 'string' && isSecureUrl(issuer) && !/[?#]/.test(issuer)) return issuer
  throw new GuardConfigurationError(
    `issuer ${quote(issuer)} is not the URL of an authorization server`,
    'Give the https URL that its metadata names as issuer, without query or fragment; plain http only for a loopback host',
  )
}

function readAudience(audience: unknown): string {
  if (typeof audience === 'string' && isAbsoluteUri(audience)) return audience
  throw new GuardConfigurationError(
    `audience ${quote(audience)} is not an absolute URI without fragment`,
    'Give the audience that this API was registered with, for example https://api.example.com',
  )
}

function readResourceServer(name: unknown): string {
  if (typeof name === 'string' && isResourceServerName(name)) return name
  throw new GuardConfigurationError(
    `resourceServer ${quote(name)} is not the name of a resource server`,
    'Give what stands before the slash in the scopes of this API, for example configurations',
  )
}

function readAlgorithms(algorithms: unknown): readonly VerificationAlgorithm[] {
  const list: readonly unknown[] = Array.isArray(algorithms) ? algorithms : []
  const accepted = list.filter(isVerificationAlgorithm)
  if (accepted.length > 0 && accepted.length === list.length) return accepted
  throw new GuardConfigurationError(
    `algorithms ${quote(algorithms)} is not a list of signature algorithms that can be accepted`,
    `Leave it out for ES256, or choose from ${verificationAlgorithms.join(', ')}; never none, never an HMAC`,
  )
}

function readDocumentUri(name: string, uri: unknown): string | undefined {
  if (uri === undefined || (typeof uri === 'string' && isSecureUrl(uri))) return uri
  throw new GuardConfigurationError(
    `${name} ${quote(uri)} is not a URL that the issuer's documents can safely come from`,
    "Give an https URL (plain http only for a loopback host), or leave it out: the issuer's metadata names it",
  )
}

function readCredential(given: IssuerCredential | undefined): IssuerCredential | undefined {
  if (given === undefined) return undefined
  refuseUnknownOptions(given, { clientId: true, clientSecret: true }, 'credential.')
  const { clientId, clientSecret } = given
  const hasId = typeof clientId === 'string' && clientId !== ''
  const hasSecret = typeof clientSecret === 'function' || (typeof clientSecret === 'string' && clientSecret !== '')
  if (hasId && hasSecret) return { clientId, clientSecret }
  throw new GuardConfigurationError(
    // Which, and never the value.
    `credential.${hasId ? 'clientSecret' : 'clientId'} is missing`,
    'Give the client_id and client_secret of `latchkey resource-server credential`, or leave credential out',
  )
}

function readSavedState(savedState: SavedState | undefined): SavedState | undefined {
  if (savedState === undefined) return undefined
  const { read, write } = (savedState ?? {}) as Partial<SavedState>
  if (typeof read === 'function' && typeof write === 'function') return savedState
  throw new GuardConfigurationError(
    'savedState has no read and write',
    "Give savedStateFile('…') of @latchkey/guard/node, or leave it out",
  )
}

function readResourceMetadataUrl(given: unknown, audience: string): string | undefined {
  if (given === undefined) return /^https?:/i.test(audience) ? protectedResourceMetadataUrl(audience) : undefined
  if (typeof given === 'string' && /^https?:/i.test(given) && URL.canParse(given)) return given
  throw new GuardConfigurationError(
    `resourceMetadataUrl ${quote(given)} is not an http(s) URL`,
    'Give the URL under which callers reach the metadata of this API, or leave it out',
  )
}

function readNumber(name: string, value: unknown, fallback: number, min: number, max: number): number {
  if (value === undefined) return fallback
  if (typeof value === 'number' && value >= min && value <= max) return value
  throw new GuardConfigurationError(
    `${name} ${quote(value)} is out of bounds`,
    `Give a number from ${min} to ${max}, or leave it out for ${fallback}`,
  )
}

function readFunction<T>(name: string, value: T | undefined): T | undefined {
  if (value === undefined || typeof value === 'function') return value
  throw new GuardConfigurationError(`${name} is not a function`, 'Give a function, or leave it out')
}

function quote(value: unknown): string {
  return JSON.stringify(value) ?? String(value)
}
