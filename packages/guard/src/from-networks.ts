import { canonicalAddress, isWithin, readNetworks } from '@latchkey/protocol/network'
import { GuardConfigurationError } from './configuration-error.ts'

/**
 * Whether an address is in one of these networks: `fromNetworks(['10.0.0.0/8', '2001:db8::7'])`. Throws {@link GuardConfigurationError} for none, and for one that
 * is no CIDR.
 */
export function fromNetworks(cidrs: readonly string[]): (address: string) => boolean {
  const remedy = "Give the addresses as CIDRs, for example ['10.0.0.0/8']"
  if (!Array.isArray(cidrs) || cidrs.length === 0) throw new GuardConfigurationError('There is no network', remedy)
  try {
    const networks = readNetworks(cidrs)
    return (address) => isWithin(networks, canonicalAddress(address) ?? '')
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new GuardConfigurationError(`${JSON.stringify(error.message)} is not a network`, remedy)
  }
}
