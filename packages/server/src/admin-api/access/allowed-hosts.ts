import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { ProblemError } from '../problem.ts'

/** By what names the admin listener may be called. Never follows the public listener's host. */
export interface AdminNames {
  /** `LATCHKEY_ADMIN_HOST`. */
  readonly host: string
  readonly port: number
  /** `LATCHKEY_CONSOLE_URL`: the one origin whose pages may call. */
  readonly consoleUrl?: string | undefined
}

/**
 * Checks Host and Origin, and answers the origin under which the caller reached the listener. Against DNS rebinding: a page of a stranger, whose
 * name was pointed at this machine, still says that name in Host. Loopback names are taken with any port, for tunnels; nobody else can point those.
 * Throws ProblemError `request.host_not_allowed`, `request.origin_not_allowed`.
 */
export function checkHost(message: IncomingMessage, names: AdminNames): string {
  const consolePage = names.consoleUrl === undefined ? undefined : new URL(names.consoleUrl)
  const origin = originOfHost(message, names, consolePage)
  if (origin === undefined) {
    throw new ProblemError('request.host_not_allowed', {
      detail: 'call it by its configured address, by a loopback name, or by the host of LATCHKEY_CONSOLE_URL',
    })
  }
  const page = message.headers.origin
  const allowed = consolePage?.origin ?? `http://localhost:${names.port}`
  if (page !== undefined && page !== allowed) {
    throw new ProblemError('request.origin_not_allowed', { detail: 'pages of other origins may not call it' })
  }
  return origin
}

function originOfHost(message: IncomingMessage, names: AdminNames, consolePage: URL | undefined): string | undefined {
  const sent = message.rawHeaders.filter((_name, i, all) => i % 2 === 1 && all[i - 1]?.toLowerCase() === 'host')
  const host = sent.length === 1 ? sent[0]?.toLowerCase() : undefined
  if (host === undefined || !/^(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/.test(host)) return undefined
  if (host === consolePage?.host) return consolePage?.origin
  const isEncrypted = 'encrypted' in message.socket
  const url = URL.parse(`${isEncrypted ? 'https' : 'http'}://${host}`)
  // What URL parsing had to straighten out (`0x7f.1`, `2130706433`) is no name that anybody was given.
  if (url === null || url.hostname !== host.replace(/:\d+$/, '')) return undefined
  const name = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (isLoopback(name)) return url.origin
  const port = Number(url.port || (isEncrypted ? 443 : 80))
  // On a wildcard address the listener has no name but the address that the connection was made to.
  const own = isIP(name) === 0 ? names.host.toLowerCase() : plainAddress(message.socket.localAddress ?? '')
  return name === own && port === names.port ? url.origin : undefined
}

function isLoopback(name: string): boolean {
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'))
}

/** An IPv4 address that arrived on an IPv6 socket, as it is written in a Host header. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.)/, '')
}
