import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import type { ConnectionOptions } from 'node:tls'
import type { ClientConfig } from 'pg'
import { describeError, Fault } from '../../kernel/faults.ts'
import { typeParsers } from './type-parsers.ts'

/** How to reach a database, and what to call it: `place` names neither user nor password. */
export interface ConnectionSettings {
  readonly place: string
  readonly database: string
  readonly client: Readonly<ClientConfig>
}

/** How every connection of Latchkey begins its name in `pg_stat_activity`. */
export const applicationPrefix = 'latchkey'

/** Parameters of the URL that are understood; another one may be a protection that would silently be missing. */
const parameters: readonly string[] = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'host', 'options']

/**
 * Reads `postgres://<user>:<password>@<host>:<port>/<database>?sslmode=…`, with the parameters that libpq has (a host that begins with `/` is
 * the directory of a unix socket). TLS always verifies chain and name: `require`, `verify-ca` and `verify-full` are one. Leaving `sslmode`
 * out is for loopback and unix sockets only. Throws Fault `config.invalid`, which never shows the URL.
 */
export function connectionSettings(text: string): ConnectionSettings {
  const url = readUrl(text)
  const query = url.searchParams
  const unknown = [...query.keys()].find((name) => !parameters.includes(name))
  if (unknown !== undefined) {
    throw invalid(
      `has the parameter ${JSON.stringify(unknown)}, which is not known`,
      `use only ${parameters.join(', ')}`,
    )
  }
  const host = query.get('host') ?? decode(url.hostname).replaceAll(/^\[|\]$/g, '')
  const database = decode(url.pathname.slice(1))
  if (host === '' || database === '' || url.username === '') {
    throw invalid('lacks user, host or database', 'write postgres://<user>:<password>@<host>/<database>')
  }
  const port = url.port === '' ? 5432 : Number(url.port)
  const password = decode(url.password)
  const isSocket = host.startsWith('/')
  const options = query.get('options')
  return {
    place: isSocket ? `${host} (port ${port})` : `${isIP(host) === 6 ? `[${host}]` : host}:${port}`,
    database,
    client: {
      host,
      port,
      database,
      user: decode(url.username),
      // As a function it is not printed with the settings, and where there is none the driver looks for none in environment and files.
      password: () => password,
      ssl: isSocket ? false : tls(host, query),
      application_name: applicationName(),
      client_encoding: 'UTF8',
      keepAlive: true,
      types: typeParsers,
      ...(options === null ? {} : { options }),
    },
  }
}

/** Names this process among the connections of the database, in 63 characters at most. */
function applicationName(): string {
  return `${applicationPrefix} ${hostname().slice(0, 40)} ${process.pid}`
}

function readUrl(text: string): URL {
  if (!URL.canParse(text))
    throw invalid('cannot be read', 'escape special characters in user and password (%2F for a slash)')
  return new URL(text)
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw invalid('has a % that begins no escape', 'write % as %25')
  }
}

function tls(host: string, query: URLSearchParams): ConnectionOptions | false {
  const mode = query.get('sslmode')
  const files = ['sslrootcert', 'sslcert', 'sslkey'].filter((name) => query.has(name))
  if (mode === null && files.length === 0 && isLoopback(host)) return false
  if (mode === null) {
    throw invalid(
      `does not say whether the connection to ${host} is encrypted`,
      'add ?sslmode=verify-full, or ?sslmode=disable on a network that you trust',
    )
  }
  if (mode === 'disable') {
    if (files.length === 0) return false
    throw invalid(`has ${files[0]} although sslmode=disable`, 'use sslmode=verify-full, or leave the file out')
  }
  if (!['require', 'verify-ca', 'verify-full'].includes(mode)) {
    throw invalid(
      `has sslmode=${JSON.stringify(mode)}, which would not protect the connection`,
      'use sslmode=verify-full, or sslmode=disable on a network that you trust',
    )
  }
  return {
    minVersion: 'TLSv1.2',
    // What the certificate must be for: without it, one for an address would be compared with "localhost".
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...readFiles(query, { sslrootcert: 'ca', sslcert: 'cert', sslkey: 'key' }),
  }
}

function readFiles(query: URLSearchParams, names: Readonly<Record<string, 'ca' | 'cert' | 'key'>>): ConnectionOptions {
  const read: ConnectionOptions = {}
  for (const [parameter, option] of Object.entries(names)) {
    const file = query.get(parameter)
    if (file === null) continue
    try {
      read[option] = readFileSync(file)
    } catch (error) {
      throw invalid(
        `names a file in ${parameter} that cannot be read: ${describeError(error)}`,
        'correct its path or permissions',
      )
    }
  }
  return read
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

function invalid(what: string, remedy: string): Fault {
  return new Fault('config.invalid', `the database URL ${what}`, `${remedy} (LATCHKEY_DATABASE_URL or --database-url)`)
}
