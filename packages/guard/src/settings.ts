import { isAbsoluteUri, isResourceServerName, protectedResourceMetadataUrl } from '@latchkey/protocol'
import { GuardConfigurationError } from './configuration-error.ts'
import { safeListener } from './events.ts'
import type { KeyCacheSettings } from './keys/key-cache.ts'
import type { GuardOptions, KeyCacheOptions } from './options.ts'
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
  readonly keys: KeyCacheSettings
}

const optionNames: Readonly<Record<keyof GuardOptions, true>> = {
  issuer: true,
  audience: true,
  resourceServer: true,
  algorithms: true,
  clockToleranceSeconds: true,
  jwksUri: true,
  resourceMetadataUrl: true,
  maxTokenBytes: true,
  keys: true,
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

/**
 * Checks all options at once, before the API listens. Throws {@link GuardConfigurationError}, which names the option and the remedy.
 * Does not ask the issuer for anything: it may start later.
 */
export function readSettings(options: GuardOptions): GuardSettings {
  refuseUnknown(options, optionNames, '')
  const keyOptions = options.keys ?? {}
  refuseUnknown(keyOptions, keyOptionNames, 'keys.')

  const issuer = readIssuer(options.issuer)
  const audience = readAudience(options.audience)
  const algorithms = readAlgorithms(options.algorithms === undefined ? ['ES256'] : options.algorithms)
  const now = readFunction('now', options.now) ?? Date.now
  const onEvent = safeListener(readFunction('onEvent', options.onEvent))
  const maxStalenessSeconds = readNumber('keys.maxStalenessSeconds', keyOptions.maxStalenessSeconds, 3600, 10, 86_400)
  const maxFreshnessSeconds = readNumber('keys.maxFreshnessSeconds', keyOptions.maxFreshnessSeconds, 900, 10, 86_400)
  return {
    issuer,
    audience,
    resourceServer: readResourceServer(options.resourceServer),
    algorithms,
    clockToleranceSeconds: readNumber('clockToleranceSeconds', options.clockToleranceSeconds, 60, 0, 300),
    maxTokenBytes: readNumber('maxTokenBytes', options.maxTokenBytes, 8192, 512, 65_536),
    resourceMetadataUrl: readResourceMetadataUrl(options.resourceMetadataUrl, audience),
    now,
    onEvent,
    keys: {
      issuer,
      jwksUri: readJwksUri(options.jwksUri),
      algorithms,
      fetch: readFunction('fetch', options.fetch) ?? globalThis.fetch,
      now,
      onEvent,
      // Keys that are too old to use are not fresh either.
      maxFreshnessSeconds: Math.min(maxFreshnessSeconds, maxStalenessSeconds),
      maxStalenessSeconds,
      unknownKeyCooldownSeconds: readNumber(
        'keys.unknownKeyCooldownSeconds',
        keyOptions.unknownKeyCooldownSeconds,
        30,
        1,
        3600,
      ),
      timeoutMs: readNumber('keys.timeoutMs', keyOptions.timeoutMs, 5000, 10, 60_000),
      maxResponseBytes: readNumber('keys.maxResponseBytes', keyOptions.maxResponseBytes, 65_536, 1024, 1_048_576),
    },
  }
}

/** A misspelt option would be a check that silently does not happen. */
function refuseUnknown(options: object, known: object, prefix: string): void {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(known, name)) continue
    const names = Object.keys(known).map((each) => prefix + each)
    throw new GuardConfigurationError(`Unknown option ${prefix}${name}`, `The options are ${names.join(', ')}`)
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

function readJwksUri(jwksUri: unknown): string | undefined {
  if (jwksUri === undefined || (typeof jwksUri === 'string' && isSecureUrl(jwksUri))) return jwksUri
  throw new GuardConfigurationError(
    `jwksUri ${quote(jwksUri)} is not a URL that keys can safely come from`,
    "Give an https URL (plain http only for a loopback host), or leave it out: the issuer's metadata names it",
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
