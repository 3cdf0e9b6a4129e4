import { readProxies, type Proxy, type ProxyDeclaration } from '@latchkey/protocol'
import { GuardConfigurationError, refuseUnknownOptions } from './configuration-error.ts'

const optionNames: Readonly<Record<keyof ProxyDeclaration, true>> = {
  networks: true,
  addressHeader: true,
  certificateHeader: true,
}

/** Checks what an API says of the proxies in front of it. Throws {@link GuardConfigurationError}. */
export function readProxyOptions(given: readonly ProxyDeclaration[]): readonly Proxy[] {
  const remedy = "Give a list such as [{ networks: ['10.0.0.0/8'], addressHeader: 'x-forwarded-for' }]"
  if (!Array.isArray(given)) throw new GuardConfigurationError('proxies is no list', remedy)
  for (const [i, entry] of given.entries()) {
    const networks = (entry as Partial<ProxyDeclaration> | null)?.networks
    if (!Array.isArray(networks) || !networks.every((network) => typeof network === 'string')) {
      throw new GuardConfigurationError(`proxies[${i}].networks is no list of CIDRs`, remedy)
    }
    refuseUnknownOptions(entry, optionNames, `proxies[${i}].`)
  }
  try {
    return readProxies(given)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new GuardConfigurationError(`proxies: ${error.message}`, remedy)
  }
}
