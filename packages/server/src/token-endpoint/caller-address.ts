import type { EpochMs } from '@latchkey/protocol'
import type { CompiledClient } from '../clients/compiled-client.ts'
import type { HttpRequest } from '../http/exchange.ts'
import type { CallerRefusal } from './authenticated-endpoint.ts'

/**
 * Why a client may not do here, from where it is, what its policy covers as it does the token endpoint; undefined when it may. For endpoints that hand
 * something out: not for those that only make access smaller, or that say why it is refused.
 */
export function refuseAddress(
  { network }: Pick<CompiledClient, 'network'>,
  { address }: Pick<HttpRequest, 'address'>,
  now: EpochMs,
): CallerRefusal | undefined {
  if (network?.atTokenEndpoint(address, now) !== 'not_allowed') return undefined
  return { reason: 'network.address_not_allowed', about: address === '' ? 'unknown' : address }
}
