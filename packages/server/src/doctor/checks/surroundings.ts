import { existsSync, statSync } from 'node:fs'
import path from 'node:path'
import { authorizationServerMetadataUrl } from '@latchkey/protocol'
import { describeError } from '../../kernel/faults.ts'
import type { IgnoredForwarding } from '../../http/peer.ts'
import { isMasterKeyOpen } from '../../keys/master-key.ts'
import { failed, fine, warning, type Finding, type Look } from '../subject.ts'

/** How far this machine's clock and that of the database may be apart, in milliseconds. */
const maxClockDifferenceMs = 2000

/** How long the issuer may take to answer, in milliseconds. */
const issuerWaitMs = 2000

/** Networks wider than this hold whole countries, not proxies: prefix lengths for IPv4 and IPv6. */
const narrowest = { 4: 8, 6: 16 } as const

export const clock: Look = async ({ clock: own, database, isSteady }) => {
  const synchronise = 'synchronise the clock of this machine (NTP)'
  const theirs = await database.now()
  const apart = theirs === undefined ? 0 : own.now() - theirs
  if (Math.abs(apart) > maxClockDifferenceMs) {
    const where = apart > 0 ? 'ahead of' : 'behind'
    return failed(`the clock is ${Math.round(Math.abs(apart) / 1000)} s ${where} that of the database`, synchronise)
  }
  const ahead = ((await database.lastAuditTime()) ?? 0) - own.now()
  if (ahead > 1000) {
    return warning(`the clock is ${Math.round(ahead / 1000)} s behind the last recorded change`, synchronise)
  }
  if (!isSteady()) {
    return warning(
      'the clock was set by more than an hour while the server ran',
      `${synchronise}, then restart the server`,
    )
  }
  return fine(theirs === undefined ? 'the clock has not stepped back' : 'the clock agrees with that of the database')
}

export const proxies: Look = ({ config, ignoredForwarding }) => {
  const wide = config.proxies
    .flatMap(({ networks }) => networks)
    .filter((cidr) => {
      const [address = '', bits] = cidr.split('/')
      return bits !== undefined && Number(bits) < (address.includes(':') ? narrowest[6] : narrowest[4])
    })
  if (wide.length > 0) {
    return failed(
      `${wide.join(', ')} of the trusted proxies holds more than proxies: whoever is in there can claim any address, and any certificate that is handed on`,
      'name the addresses of your proxies alone',
    )
  }
  const ignored = ignoredForwarding()
  return ignored === undefined
    ? fine(
        config.proxies.length === 0
          ? 'no proxy is trusted'
          : 'the trusted proxies are narrow, and nobody near says what is ignored',
      )
    : tellIgnored(ignored)
}

function tellIgnored({ peer, header, because, count }: IgnoredForwarding & { readonly count: number }): Finding {
  const [says, remedy] = ignoredTexts[because]
  return warning(`${says(peer, header)} (${count} ignored so far)`, remedy)
}

const ignoredTexts: Readonly<
  Record<IgnoredForwarding['because'], readonly [says: (peer: string, header: string) => string, remedy: string]>
> = {
  'no-proxy': [
    (peer, header) => `${peer}, which is no trusted proxy, forwards requests of others by ${header}`,
    'if it is a proxy of yours, put its address into trusted_proxies or proxies: its callers share one limit until then',
  ],
  'not-named': [
    (peer, header) => `the proxy ${peer} hands on ${header}, which its entry in proxies does not name`,
    'name it as certificate_header if the proxy sets it; otherwise a caller did, and the proxy should remove it',
  ],
  unreadable: [
    (peer, header) => `the proxy ${peer} does not say ${header} in a way that can be read`,
    'see that it sets this header, once and in its form: until then its callers have no address or no certificate',
  ],
}

export const permissions: Look = ({ config, socketPath }) => {
  const socket = socketPath()
  const places = [
    config.dataDirectory,
    ...(config.database.kind === 'sqlite' ? [config.database.path] : []),
    ...(socket === undefined ? [] : [socket, path.dirname(socket)]),
  ]
  const masterKeys = [
    ...(config.masterKey?.kind === 'file' ? [config.masterKey.path] : []),
    ...(config.masterKey === undefined ? [path.join(config.dataDirectory, 'master.key')] : []),
  ].filter((file) => existsSync(file))
  // A TLS key may belong to a group of those who renew it.
  const forGroups = config.tls === undefined ? [] : [config.tls.key]
  const open = [
    ...places.filter((place) => isOpen(place, 0o077)),
    ...masterKeys.filter((file) => isMasterKeyOpen(file)),
    ...forGroups.filter((place) => isOpen(place, 0o007)),
  ]
  return open.length === 0
    ? fine('only this user reads data, keys and socket')
    : failed(`others may read ${open.join(', ')}`, `chmod go= ${open.join(' ')}`)
}

/** A file that is gone is not open; that it is missing is said elsewhere. */
function isOpen(place: string, bits: number): boolean {
  const found = statSync(place, { throwIfNoEntry: false })
  // What belongs to root and its group is read by nobody who could not read everything (systemd's credentials).
  if (found === undefined || (found.uid === 0 && found.gid === 0 && (found.mode & 0o777) === 0o440)) return false
  return (found.mode & bits) !== 0
}

export const issuer: Look = async ({ issuer: name, config }) => {
  const url = authorizationServerMetadataUrl(name)
  const remedy =
    'clients must reach this server at its issuer: look at DNS, proxy and certificate there; from here alone it may also be a firewall'
  let found: unknown
  try {
    const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(issuerWaitMs) })
    found = ((await answer.json()) as { issuer?: unknown } | null)?.issuer
  } catch (error) {
    const { cause } = error as Error
    return warning(`${url} cannot be reached from here: ${describeError(cause ?? error)}`, remedy)
  }
  if (found !== name) return failed(`${url} does not answer with the metadata of this issuer`, remedy)
  return fine(config.mode === 'dev' ? `the issuer is ${name}, and answers there` : `the issuer answers at ${name}`)
}
