import path from 'node:path'
import { isIP } from 'node:net'
import type { AuditSync } from '../audit/log/token-log.ts'
import { Fault } from '../kernel/faults.ts'
import type { LogLevel } from '../kernel/log.ts'
import type { SettingValues } from './settings.ts'

/** Which database it is. */
export type DatabaseLocation =
  | { readonly kind: 'sqlite'; readonly path: string }
  /** `url` may hold a password: never shown. */
  | { readonly kind: 'postgres'; readonly url: string }

/** Everything that the server is told, complete and checked. */
export interface Config {
  /** `dev`: loopback only, keys made at first use. `serve`: production, with its refusals. */
  readonly mode: 'dev' | 'serve'
  /** Absent: `http://127.0.0.1:<port>` of this start. */
  readonly issuer: string | undefined
  readonly environment: string
  readonly host: string
  readonly port: number
  readonly adminHost: string
  readonly adminPort: number
  readonly apiPort: number
  readonly consoleUrl: string | undefined
  readonly dataDirectory: string
  readonly database: DatabaseLocation
  readonly masterKey:
    | { readonly kind: 'value'; readonly value: string }
    | { readonly kind: 'file'; readonly path: string }
    | undefined
  readonly trustedProxies: readonly string[]
  readonly auditSync: AuditSync
  readonly logLevel: LogLevel
  readonly adminSocket: string | undefined
}

/** Completes the settings of `latchkey dev`. Throws Fault `config.invalid`. */
export function developmentConfig(values: SettingValues): Config {
  const host = values.host ?? '127.0.0.1'
  const adminHost = values.admin_host ?? '127.0.0.1'
  for (const [name, address] of [['host', host] as const, ['admin-host', adminHost] as const]) {
    if (!isLoopback(address)) {
      throw new Fault(
        'config.invalid',
        `--${name} ${address} is not a loopback address, and \`dev\` listens nowhere else`,
        `leave --${name} out, or put a proxy in front`,
      )
    }
  }
  const dataDirectory = path.resolve(values.data_dir ?? '.latchkey')
  return {
    mode: 'dev',
    issuer: values.issuer,
    environment: values.environment ?? 'dev',
    host,
    port: values.port ?? 8400,
    adminHost,
    adminPort: values.admin_port ?? 8401,
    apiPort: values.api_port ?? 8402,
    consoleUrl: values.console_url,
    dataDirectory,
    database: databaseLocation(values.database_url, dataDirectory),
    masterKey: masterKey(values),
    trustedProxies: values.trusted_proxies ?? [],
    auditSync: values.audit_sync ?? 'interval',
    logLevel: values.log_level ?? 'info',
    adminSocket: values.admin_socket,
  }
}

function databaseLocation(url: string | undefined, dataDirectory: string): DatabaseLocation {
  if (url === undefined) return { kind: 'sqlite', path: path.join(dataDirectory, 'latchkey.db') }
  if (url.startsWith('sqlite:') && url.length > 'sqlite:'.length) {
    return { kind: 'sqlite', path: path.resolve(url.slice('sqlite:'.length)) }
  }
  if (/^postgres(ql)?:\/\//.test(url) && URL.canParse(url)) return { kind: 'postgres', url }
  throw new Fault(
    'config.invalid',
    'the database URL is neither sqlite:<path> nor postgres://<user>:<password>@<host>/<database>',
    'correct LATCHKEY_DATABASE_URL or --database-url, or leave it out',
  )
}

function masterKey(values: SettingValues): Config['masterKey'] {
  if (values.master_key !== undefined && values.master_key_file !== undefined) {
    throw new Fault(
      'config.invalid',
      'both LATCHKEY_MASTER_KEY and LATCHKEY_MASTER_KEY_FILE are set',
      'leave one of them out',
    )
  }
  if (values.master_key !== undefined) return { kind: 'value', value: values.master_key }
  return values.master_key_file === undefined ? undefined : { kind: 'file', path: path.resolve(values.master_key_file) }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
