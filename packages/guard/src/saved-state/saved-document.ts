import type { RevocationFeed } from '@latchkey/protocol'
import type { PublishedKeySet } from '../keys/key-cache.ts'
import type { PublishedPolicy } from '../network/network-policies.ts'
import type { PublishedRules } from '../resource-server/endpoint-rules.ts'
import { parseJson } from '../issuer/fetch-document.ts'
import { readFeed } from '../revocations/read-feed.ts'
import { isSecureUrl } from '../secure-url.ts'
import type { SavedStateRefusal } from './saved-state.ts'

/** What is kept: keys and revocations both, or it would be of no use to an API that starts without its issuer. */
export interface SavedDocument {
  readonly keys: PublishedKeySet
  readonly revocations: RevocationFeed
  /** Only of an API that follows them. */
  readonly rules: PublishedRules | undefined
  readonly policies: readonly PublishedPolicy[]
}

/** What it has to agree with. */
export interface SavedDocumentExpectations {
  readonly issuer: string
  /** The address that the keys must have come from, if the API names one. */
  readonly jwksUri: string | undefined
  readonly clockToleranceSeconds: number
  readonly maxStalenessSeconds: number
  /** Seconds since the epoch. */
  readonly nowSeconds: number
}

export type ReadSavedDocument =
  | { readonly ok: true; readonly document: SavedDocument }
  | { readonly ok: false; readonly reason: SavedStateRefusal }

/** Names the form, so that a later one is not taken for this. */
const format = 'latchkey-guard-state-1'

export function writeSavedDocument({ keys, revocations, rules, policies }: SavedDocument): string {
  const { document, jwksUri, confirmedAtMs, freshnessSeconds } = keys
  const kept = rules && { document: rules.document, confirmedAtMs: rules.confirmedAtMs }
  return JSON.stringify({
    format,
    keys: { document, jwksUri, confirmedAtMs, freshnessSeconds },
    revocations,
    rules: kept,
    policies,
  })
}

/**
 * Reads what another process kept, and trusts it for no longer than that process would have: by its `as_of` and by when its keys were confirmed.
 * Does not check who could have written it; whoever kept it has to.
 */
export function readSavedDocument(text: string, expected: SavedDocumentExpectations): ReadSavedDocument {
  const refused = (reason: SavedStateRefusal): ReadSavedDocument => ({ ok: false, reason })
  const { issuer, jwksUri, clockToleranceSeconds, maxStalenessSeconds, nowSeconds } = expected
  const saved = parseJson(text)
  if (!isRecord(saved) || saved['format'] !== format) return refused('damaged')
  const read = readFeed(saved['revocations'], issuer)
  if (!read.ok) return refused(read.reason === 'feed.issuer_mismatch' ? 'issuer_mismatch' : 'damaged')
  const keys = readKeys(saved['keys'])
  if (keys === undefined || read.feed.more || !read.feed.snapshot) return refused('damaged')
  if (jwksUri !== undefined && keys.jwksUri !== jwksUri) return refused('issuer_mismatch')

  const ageSeconds = nowSeconds - read.feed.as_of
  const newest = Math.max(read.feed.as_of, keys.confirmedAtMs / 1000)
  if (!(newest <= nowSeconds + clockToleranceSeconds)) return refused('in_future')
  if (!(ageSeconds < maxStalenessSeconds)) return refused('too_old')
  const rules = readPublished(saved['rules'])
  const list: readonly unknown[] = Array.isArray(saved['policies']) ? saved['policies'] : []
  const policies = list.flatMap((each) => readPublished(each) ?? [])
  return { ok: true, document: { keys, revocations: read.feed, rules, policies } }
}

/** Undefined for what is none; whoever takes the document in reads it, and judges by its own time. */
function readPublished(value: unknown): PublishedRules | undefined {
  if (!isRecord(value) || !isDuration(value['confirmedAtMs'])) return undefined
  return { document: value['document'], confirmedAtMs: value['confirmedAtMs'] }
}

function readKeys(value: unknown): PublishedKeySet | undefined {
  if (!isRecord(value)) return undefined
  const { document, jwksUri, confirmedAtMs, freshnessSeconds } = value
  if (typeof jwksUri !== 'string' || !isSecureUrl(jwksUri)) return undefined
  return isDuration(confirmedAtMs) && isDuration(freshnessSeconds)
    ? { document, jwksUri, confirmedAtMs, freshnessSeconds }
    : undefined
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 0
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
