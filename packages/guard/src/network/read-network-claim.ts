import {
  maxNetworkClaimRanges,
  readEndpointPattern,
  type EndpointPattern,
  readNetworks,
  type Network as AddressRange,
} from '@latchkey/protocol'

/** Where a client may call from, read and ready to be asked. */
export type Network = 'unrestricted' | NetworkRestrictionRead

export interface NetworkRestrictionRead {
  /** None: nobody. */
  readonly ranges: readonly AddressRange[]
  /** Which calls it covers; undefined: every one. */
  readonly endpoints: readonly EndpointPattern[] | undefined
  readonly isReportOnly: boolean
}

export interface PolicyReference {
  readonly id: string
  readonly version: number
}

/** A claim by reference, for one audience: undefined where it does not name it. */
export interface ReferredNetwork {
  readonly reference: 'unrestricted' | PolicyReference | undefined
}

/** Bounds of a policy that was asked for, which no token has to carry. */
const maxRanges = 100_000
const maxEndpoints = 1000

/**
 * Reads `lk_network` of a verified token for one audience. Strictly: a member that is not known here may be a restriction, so that undefined refuses the token.
 */
export function readNetworkClaim(value: unknown, audience: string): Network | ReferredNetwork | undefined {
  if (!isRecord(value) || !Object.hasOwn(value, 'policies')) return readNetwork(value, maxNetworkClaimRanges)
  const { policies } = value
  if (!hasOnly(value, ['policies']) || !isRecord(policies)) return undefined
  const references = Object.entries(policies).map(([name, reference]) => [name, readReference(reference)] as const)
  if (references.some(([, reference]) => reference === undefined)) return undefined
  return { reference: references.find(([name]) => name === audience)?.[1] }
}

/** Reads what a policy means at this API, as the issuer answers it. */
export function readNetwork(value: unknown, most: number = maxRanges): Network | undefined {
  if (value === 'unrestricted') return value
  if (!isRecord(value) || !hasOnly(value, ['allow', 'endpoints', 'report_only'])) return undefined
  const { allow, endpoints, report_only: reportOnly } = value
  const ranges = readEach(allow, most, readRange)
  if (ranges === undefined || (reportOnly !== undefined && reportOnly !== true)) return undefined
  if (endpoints === undefined) return { ranges, endpoints, isReportOnly: reportOnly === true }
  const patterns = readEach(endpoints, maxEndpoints, (text) => {
    const endpoint = readEndpointPattern(text)
    return endpoint.ok ? endpoint.pattern : undefined
  })
  return patterns && { ranges, endpoints: patterns, isReportOnly: reportOnly === true }
}

/** Ranges that were read, by their text: all tokens of a client name the same ones. */
const known = new Map<string, AddressRange>()
const mostKnown = 2000

function readRange(cidr: string): AddressRange | undefined {
  const before = known.get(cidr)
  if (before !== undefined) return before
  try {
    const [range] = readNetworks([cidr])
    if (known.size >= mostKnown) known.clear()
    if (range !== undefined) known.set(cidr, range)
    return range
  } catch {
    return undefined
  }
}

function readReference(value: unknown): 'unrestricted' | PolicyReference | undefined {
  if (value === 'unrestricted') return value
  if (!isRecord(value) || !hasOnly(value, ['id', 'version'])) return undefined
  const { id, version } = value
  const isRead = typeof id === 'string' && /^[\x21-\x7e]{1,128}$/.test(id) && isVersion(version)
  return isRead ? { id, version } : undefined
}

function readEach<T>(list: unknown, most: number, read: (text: string) => T | undefined): readonly T[] | undefined {
  if (!Array.isArray(list) || list.length > most) return undefined
  const found: T[] = []
  for (const text of list as unknown[]) {
    const one = typeof text === 'string' ? read(text) : undefined
    if (one === undefined) return undefined
    found.push(one)
  }
  return found
}

export function isVersion(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function hasOnly(record: object, names: readonly string[]): boolean {
  return Object.keys(record).every((name) => names.includes(name))
}
