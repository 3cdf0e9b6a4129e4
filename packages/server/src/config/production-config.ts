import { availableParallelism } from 'node:os'
import path from 'node:path'
import { Fault } from '../kernel/faults.ts'
import {
  databaseLocation,
  handsOnCertificates,
  isLoopback,
  mtlsConfig,
  sharedConfig,
  tlsFiles,
  type Config,
  type DatabaseLocation,
} from './config.ts'
import { withDefaults, type SettingValues } from './settings.ts'

/**
 * Completes the settings of `latchkey serve`. Throws Fault `config.invalid` for whatever would make a server that is unsafe, or another than was
 * meant. Looks at no file: whether those that are named can be used shows when they are opened.
 */
export function productionConfig(given: SettingValues): Config {
  const values = withDefaults(given, 'serve')
  const issuer = requireIssuer(values.issuer)
  const dataDirectory = requireDataDirectory(values.data_dir)
  const shared = sharedConfig(values, dataDirectory)
  if (shared.masterKey === undefined) {
    throw refused(
      'no master key is set, and `serve` never makes one',
      '`latchkey init` makes one; set LATCHKEY_MASTER_KEY_FILE (or LATCHKEY_MASTER_KEY) to it',
    )
  }
  const tls = tlsFiles('tls', values.tls_cert, values.tls_key)
  if (tls === undefined && !values.insecure_http) {
    refusePlainPublicListener(values.host, shared.proxies.length > 0)
    refusePlainAdminListener(values.admin_host)
  }
  const workers = values.workers === 'auto' ? availableParallelism() : values.workers
  if (workers > 1 && shared.database.kind === 'sqlite') {
    throw refused(
      `${workers} workers cannot share an embedded database: one process owns its file`,
      'set LATCHKEY_DATABASE_URL to a PostgreSQL database, or leave --workers out',
    )
  }
  return {
    mode: 'serve',
    ...shared,
    issuer,
    migrates: values.migrate,
    tls,
    // On loopback it is for this machine's own programs, and no certificate is made out to 127.0.0.1.
    adminTls: isLoopback(values.admin_host) ? undefined : tls,
    mtls: mtlsConfig(values, false),
    workers,
  }
}

/** What can be run but is seldom meant: sentences for the log. */
export function productionWarnings(config: Config): string[] {
  const warnings: string[] = []
  if (config.environment === 'dev') {
    warnings.push('the environment is called dev: its client secrets look like those of a development server')
  }
  if (config.tls === undefined && config.proxies.length === 0) {
    warnings.push(
      'no trusted_proxies are set: behind a proxy every caller has the address of the proxy, and shares one limit with the others',
    )
  }
  if (config.mtls === undefined && handsOnCertificates(config.proxies)) {
    warnings.push(
      'a proxy hands on certificates, but no mtls_url is set: the metadata does not tell clients that they can come with one',
    )
  }
  if (config.tls === undefined && !isLoopback(config.host) && config.proxies.length === 0) {
    warnings.push('the public listener speaks plain HTTP to the network: client secrets can be read on the way')
  }
  if (config.adminTls === undefined && !isLoopback(config.adminHost)) {
    warnings.push('the admin listener speaks plain HTTP to the network: whoever reads along may administer this server')
  }
  if (config.accessRequests.mode === 'open' && config.notices.smtp === undefined) {
    warnings.push('no mail server is set, so that nobody could confirm a request for access: none is taken')
  }
  return warnings
}

/** Where the data are. */
export interface StorageConfig {
  /** May be absent where the database is named. */
  readonly dataDirectory: string | undefined
  readonly database: DatabaseLocation
}

/** That part of the settings of `latchkey serve`, for commands that work on the data alone. Throws Fault `config.invalid`. */
export function storageConfig(given: SettingValues): StorageConfig {
  const { data_dir, database_url } = given
  if (data_dir === undefined && database_url !== undefined) {
    return { dataDirectory: undefined, database: databaseLocation(database_url, '') }
  }
  const dataDirectory = requireDataDirectory(data_dir)
  return { dataDirectory, database: databaseLocation(database_url, dataDirectory) }
}

function requireIssuer(issuer: string | undefined): string {
  if (issuer === undefined) {
    throw refused(
      'no issuer is set',
      'set --issuer or LATCHKEY_ISSUER to the https URL at which clients reach this server',
    )
  }
  if (issuer.startsWith('https://')) return issuer
  throw refused(
    `the issuer ${issuer} is not https, and whoever sits between could read secrets and forge keys`,
    'set --issuer to an https URL, whether TLS ends here or at a proxy; `latchkey dev` takes http on this machine',
  )
}

function requireDataDirectory(directory: string | undefined): string {
  if (directory !== undefined) return path.resolve(directory)
  throw refused('no data directory is set', 'set --data-dir or LATCHKEY_DATA_DIR; `latchkey init` makes one')
}

function refusePlainPublicListener(host: string, isBehindProxy: boolean): void {
  if (isLoopback(host) || isBehindProxy) return
  throw refused(
    `the public listener on ${host} would speak plain HTTP, and client secrets could be read on the way`,
    'set --tls-cert and --tls-key, or --trusted-proxies (proxies in the file) if a proxy ends TLS, or --insecure-http if you must',
  )
}

function refusePlainAdminListener(host: string): void {
  if (isLoopback(host)) return
  throw refused(
    `the admin listener on ${host} would speak plain HTTP`,
    'leave --admin-host out, or set --tls-cert and --tls-key, or --insecure-http if you must',
  )
}

function refused(message: string, remedy: string): Fault {
  return new Fault('config.invalid', message, remedy)
}
