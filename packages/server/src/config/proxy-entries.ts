import { readProxies, type ProxyDeclaration } from '@latchkey/protocol'

/** How an entry is written in the file. */
const names = {
  networks: 'networks',
  address_header: 'addressHeader',
  certificate_header: 'certificateHeader',
} as const satisfies Record<string, keyof ProxyDeclaration>

/** Reads `proxies` of the file. Throws a RangeError whose message says in one sentence what is wrong. */
export function readProxyEntries(value: unknown): readonly ProxyDeclaration[] {
  if (!Array.isArray(value)) throw new RangeError('each entry begins with "- networks: […]"')
  const entries = value.map((entry: unknown, i) => readEntry(entry, `entry ${i + 1}`))
  readProxies(entries)
  return entries
}

function readEntry(entry: unknown, where: string): ProxyDeclaration {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    throw new RangeError(`${where} is not made of networks and address_header`)
  }
  const unknown = Object.keys(entry).find((key) => !Object.hasOwn(names, key))
  if (unknown !== undefined) {
    throw new RangeError(
      `${where} has the unknown key ${JSON.stringify(unknown)}; known are ${Object.keys(names).join(', ')}`,
    )
  }
  const { networks } = entry as { readonly networks?: unknown }
  if (!Array.isArray(networks) || !networks.every((network) => typeof network === 'string')) {
    throw new RangeError(`networks of ${where} is no list of CIDRs`)
  }
  const renamed = Object.entries(entry).map(([key, given]) => [names[key as keyof typeof names], given as unknown])
  // Headers are compared with those that are known by readProxies.
  return Object.fromEntries(renamed) as ProxyDeclaration
}

/** The short form and the entries of the file together. Throws a RangeError as above, for networks that are in both for example. */
export function joinProxies(
  byForwardedFor: readonly string[],
  entries: readonly ProxyDeclaration[],
): readonly ProxyDeclaration[] {
  const short: ProxyDeclaration = { networks: byForwardedFor, addressHeader: 'x-forwarded-for' }
  const all = byForwardedFor.length === 0 ? entries : [short, ...entries]
  readProxies(all)
  return all
}
