import { coversEndpoint, type EpochMs } from '@latchkey/protocol'
import type { CompiledNetwork, NetworkVerdict } from './compiled-network.ts'

/** Where somebody calls. */
export type NetworkPlace =
  | { readonly kind: 'token-endpoint' }
  | { readonly kind: 'api'; readonly name: string; readonly call: ApiCall | undefined }

/** `undefined` as a call means: one that is not known, and that any part of the coverage may be about. */
export interface ApiCall {
  readonly method: string
  /** Without query. */
  readonly path: string
}

/**
 * Whether a call from this address is one that the policy allows. Pure. An address in its one spelling counts; anything else is nowhere, so that what could not be
 * read is refused wherever a policy covers.
 */
export function evaluateNetwork(
  network: CompiledNetwork | undefined,
  address: string,
  place: NetworkPlace,
  now: EpochMs,
): NetworkVerdict {
  if (network === undefined || !isCovered(network, place)) return 'not_covered'
  if (network.phaseAt(now).addresses.has(address)) return 'allowed'
  return network.mode === 'enforce' ? 'not_allowed' : 'would_refuse'
}

function isCovered(network: CompiledNetwork, place: NetworkPlace): boolean {
  if (place.kind === 'token-endpoint') return network.coversTokenEndpoint
  const coverage = network.coverageOf(place.name)
  const { call } = place
  if (coverage === undefined || coverage === 'all' || call === undefined) return coverage !== undefined
  return coverage.some((pattern) => coversEndpoint(pattern, call.method, call.path))
}
