import { maxTokenLifetimeSeconds, type SigningAlgorithm } from '@latchkey/protocol'
import type { SigningKeyFacts } from './sealed-signing-key.ts'

/*
 * When a token signing key does what: created as standby, published; after `publishedMs` it may sign; after `rotationMs` of signing the next one
 * takes over; `keptMs` after its last token it is removed. Pure: what is due follows from the rows, the time and the rules.
 */

/** A token key as far as its life goes. */
export type KeyAge = Pick<
  SigningKeyFacts,
  'kid' | 'state' | 'createdAt' | 'activatedAt' | 'retiredAt' | 'revokedAt'
> & { readonly algorithm: SigningAlgorithm }

export interface LifecycleRules {
  /** What new keys are made for. */
  readonly algorithm: SigningAlgorithm
  /** How long a key signs, in milliseconds; undefined: until somebody rotates. */
  readonly rotationMs: number | undefined
  /** How long a standby has to be published before the schedule lets it sign, in milliseconds. */
  readonly publishedMs: number
  /** How long a key that does not sign any more is kept, in milliseconds. */
  readonly keptMs: number
}

export type KeyStep =
  /** Make a standby. */
  | { readonly kind: 'create'; readonly algorithm: SigningAlgorithm }
  /** Let a standby sign, and retire the key that did. */
  | { readonly kind: 'activate'; readonly kid: string }
  /** Make a key that signs from its first moment: there is no standby. */
  | { readonly kind: 'create-active'; readonly algorithm: SigningAlgorithm }
  /** Refuse everything that it signed, and destroy its private half. */
  | { readonly kind: 'revoke'; readonly kid: string }
  /** Drop the row. */
  | { readonly kind: 'remove'; readonly kid: string }

/**
 * How long what one process has heard of may still be unknown to another, in milliseconds. A process without its database goes on for 15 minutes
 * with the ring that it has: it publishes the old set and signs with the old key.
 */
const unheardMs = 3_600_000

/** How far verifiers' clocks may be behind, in milliseconds. */
const toleranceMs = 300_000

/** How verifiers may keep the JWKS, in seconds: without asking, and beyond that when they cannot ask (RFC 5861 §4). */
export interface JwksFreshness {
  readonly maxAgeSeconds: number
  readonly staleIfErrorSeconds: number
}

/**
 * The rules that follow from the settings. A standby waits until no verifier that obeys Cache-Control can hold a set without it, not even one that could
 * not reach us: longer than the JWKS cache time in contact, and free of charge, since standbys are made a whole rotation ahead. A key that
 * does not sign any more stays until its last token has expired for the slowest clock, or nobody has it in a cached set any more, whichever is later.
 */
export function lifecycleRules(
  settings: { readonly algorithm: SigningAlgorithm; readonly rotationDays: number },
  jwks: JwksFreshness,
): LifecycleRules {
  const cachedMs = (jwks.maxAgeSeconds + jwks.staleIfErrorSeconds) * 1000
  const tokenMs = maxTokenLifetimeSeconds * 1000
  return {
    algorithm: settings.algorithm,
    rotationMs: settings.rotationDays === 0 ? undefined : settings.rotationDays * 86_400_000,
    publishedMs: cachedMs + unheardMs,
    keptMs: Math.max(cachedMs, tokenMs + toleranceMs) + unheardMs,
  }
}

/** What the schedule has to do now; nothing, nearly always. */
export function dueSteps(keys: readonly KeyAge[], now: number, rules: LifecycleRules): readonly KeyStep[] {
  const standby = oldestStandby(keys, rules.algorithm)
  const rotates = isRotationDue(keys, now, rules) && standby !== undefined && isPublished(standby, now, rules)
  return [...(rotates ? takeOver(keys, standby, rules) : wantStandby(keys, rules)), ...expired(keys, now, rules)]
}

/** What `key rotate` has to do now, however young the standby is. */
export function rotationSteps(keys: readonly KeyAge[], now: number, rules: LifecycleRules): readonly KeyStep[] {
  const steps = takeOver(keys, oldestStandby(keys, rules.algorithm), rules)
  return [...steps, ...expired(keys, now, rules)]
}

/**
 * What `key revoke` has to do with a key that is not revoked yet. For the key that signs, a standby takes over that verifiers know already, of
 * another algorithm if need be: an incident is no time to change it.
 */
export function revocationSteps(
  keys: readonly KeyAge[],
  kid: string,
  now: number,
  rules: LifecycleRules,
): readonly KeyStep[] {
  const others = keys.filter((key) => key.kid !== kid)
  const revoke: KeyStep = { kind: 'revoke', kid }
  if (keys.find((key) => key.kid === kid)?.state !== 'active') return [revoke, ...wantStandby(others, rules)]
  const standbys = others.filter((key) => key.state === 'standby').toSorted((a, b) => a.createdAt - b.createdAt)
  const successor =
    standbys.find((key) => key.algorithm === rules.algorithm && isPublished(key, now, rules)) ??
    standbys.find((key) => isPublished(key, now, rules)) ??
    standbys.find((key) => key.algorithm === rules.algorithm) ??
    standbys[0]
  return [revoke, ...takeOver(others, successor, rules)]
}

/** Whether every verifier that obeys Cache-Control knows the key by now. */
export function isPublished(key: Pick<KeyAge, 'createdAt'>, now: number, rules: LifecycleRules): boolean {
  return now - key.createdAt >= rules.publishedMs
}

/** From when on a standby may sign, in milliseconds since 1970; undefined for any other key. */
export function readyAt(key: KeyAge, { publishedMs }: LifecycleRules): number | undefined {
  return key.state === 'standby' ? key.createdAt + publishedMs : undefined
}

/** When a key that does not sign any more is dropped, in milliseconds since 1970; undefined for any other key. */
export function removedAt({ retiredAt, revokedAt }: KeyAge, { keptMs }: LifecycleRules): number | undefined {
  const since = revokedAt ?? retiredAt
  return since === undefined ? undefined : since + keptMs
}

/** When the schedule will rotate, in milliseconds since 1970; undefined when it never does. */
export function nextRotationAt(keys: readonly KeyAge[], rules: LifecycleRules): number | undefined {
  const active = keys.find((key) => key.state === 'active')
  const standby = oldestStandby(keys, rules.algorithm)
  if (rules.rotationMs === undefined || active?.activatedAt === undefined || standby === undefined) return undefined
  return Math.max(active.activatedAt + rules.rotationMs, standby.createdAt + rules.publishedMs)
}

function isRotationDue(keys: readonly KeyAge[], now: number, { rotationMs }: LifecycleRules): boolean {
  const since = keys.find((key) => key.state === 'active')?.activatedAt
  return rotationMs !== undefined && since !== undefined && now - since >= rotationMs
}

/**
 * The standby signs, and a new one waits. Standbys of an algorithm that is not wanted any more go: they have signed nothing. Not before,
 * so that servers with different settings do not remove each other's.
 */
function takeOver(keys: readonly KeyAge[], successor: KeyAge | undefined, rules: LifecycleRules): readonly KeyStep[] {
  const { algorithm } = rules
  if (successor === undefined) return [{ kind: 'create-active', algorithm }, ...wantStandby(keys, rules)]
  const waiting = keys.filter((key) => key.state === 'standby' && key.kid !== successor.kid)
  const kept = waiting.filter((key) => key.algorithm === algorithm)
  return [
    { kind: 'activate', kid: successor.kid },
    ...waiting.filter((key) => !kept.includes(key)).map(({ kid }) => ({ kind: 'remove', kid }) as const),
    ...wantStandby(kept, rules),
  ]
}

function wantStandby(keys: readonly KeyAge[], { algorithm }: LifecycleRules): readonly KeyStep[] {
  return oldestStandby(keys, algorithm) === undefined ? [{ kind: 'create', algorithm }] : []
}

function expired(keys: readonly KeyAge[], now: number, rules: LifecycleRules): readonly KeyStep[] {
  return keys
    .filter((key) => now >= (removedAt(key, rules) ?? Infinity))
    .map(({ kid }) => ({ kind: 'remove', kid }) as const)
}

function oldestStandby(keys: readonly KeyAge[], algorithm: SigningAlgorithm): KeyAge | undefined {
  return keys
    .filter((key) => key.state === 'standby' && key.algorithm === algorithm)
    .toSorted((a, b) => a.createdAt - b.createdAt)[0]
}
