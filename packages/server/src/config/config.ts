import { isIP } from 'node:net'
import path from 'node:path'
import type { ProxyDeclaration, SigningAlgorithm } from '@latchkey/protocol'
import type { RequestMode } from '../access-requests/desk.ts'
import type { AuditSync } from '../audit/log/token-log.ts'
import type { TlsFiles } from '../http/server-certificate.ts'
import { Fault } from '../kernel/faults.ts'
import type { LogLevel } from '../kernel/log.ts'
import type { SmtpServer } from '../notices/mail.ts'
import type { WebhookTarget } from '../notices/webhook.ts'
import { joinProxies } from './proxy-entries.ts'
import { withDefaults, type Mode, type SettingValues } from './settings.ts'

/** Which database it is. */
export type DatabaseLocation =
  | { readonly kind: 'sqlite'; readonly path: string }
  /** `url` may hold a password: never shown. */
  | {
      readonly kind: 'postgres'
      readonly url: string
      /** How many connections one process opens at most, besides the one that listens. */
      readonly connections?: number
    }

/** Everything that the server is told, complete and checked. */
export interface Config {
  /** `dev`: loopback only, keys made at first use. `serve`: production, with its refusals. */
  readonly mode: Mode
  /** Absent in `dev`: `http://127.0.0.1:<port>` of this start. */
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
  /** Whether a start brings an older schema up to date; otherwise it refuses one. */
  readonly migrates: boolean
  /** Absent only in `dev`, which makes one. */
  readonly masterKey:
    | { readonly kind: 'value'; readonly value: string }
    | { readonly kind: 'file'; readonly path: string }
    | undefined
  /** Absent: plain HTTP on the public listener. */
  readonly tls: TlsFiles | undefined
  /** Absent: plain HTTP on the admin listener, which is on loopback then, or was asked for. */
  readonly adminTls: TlsFiles | undefined
  /** Absent: nobody asks clients for certificates, or nobody says where. */
  readonly mtls: MtlsConfig | undefined
  /** Whose word on callers is taken, and in which headers; checked together. */
  readonly proxies: readonly ProxyDeclaration[]
  /** Processes that serve the public listener; 1: this one does. */
  readonly workers: number
  /** How long a stopping server that is no longer ready goes on serving. */
  readonly drainDelayMs: number
  readonly auditSync: AuditSync
  /** What new signing keys are made for. */
  readonly signingAlgorithm: SigningAlgorithm
  /** How long a signing key signs; 0: until somebody rotates. */
  readonly keyRotationDays: number
  readonly logLevel: LogLevel
  readonly adminSocket: string | undefined
  readonly accessRequests: {
    readonly mode: RequestMode
    readonly approvals: 1 | 2
    /** How long a request is kept after its time; 0: for ever. */
    readonly retentionDays: number
  }
  readonly notices: NoticeConfig
}

/** Where clients are asked for certificates (RFC 8705). */
export interface MtlsConfig {
  /** Absent: the issuer's host with the listener's port. */
  readonly url: string | undefined
  /** Absent: a proxy asks, and hands them on. */
  readonly listener:
    | {
        readonly port: number
        /** Absent, in `dev` only: made in the data directory. */
        readonly files: TlsFiles | undefined
      }
    | undefined
}

/** How people are told. */
export interface NoticeConfig {
  /** Absent: `dev` writes mails to files, `serve` sends none. */
  readonly smtp: SmtpServer | undefined
  readonly from: string
  readonly teamAddresses: readonly string[]
  readonly webhook: WebhookTarget | undefined
}

/** Completes the settings of `latchkey dev`. Throws Fault `config.invalid`. */
export function developmentConfig(given: SettingValues): Config {
  const values = withDefaults(given, 'dev')
  for (const [name, address] of [['host', values.host] as const, ['admin-host', values.admin_host] as const]) {
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
    ...sharedConfig(values, dataDirectory),
    migrates: true,
    tls: undefined,
    adminTls: undefined,
    mtls: mtlsConfig(values, true),
    workers: 1,
  }
}

/** What both commands make of their settings in the same way. */
export function sharedConfig(
  values: ReturnType<typeof withDefaults>,
  dataDirectory: string,
): Omit<Config, 'mode' | 'migrates' | 'tls' | 'adminTls' | 'mtls' | 'workers'> {
  return {
    issuer: values.issuer,
    environment: values.environment,
    host: values.host,
    port: values.port,
    adminHost: values.admin_host,
    adminPort: values.admin_port,
    apiPort: values.api_port,
    consoleUrl: values.console_url,
    dataDirectory,
    database: databaseLocation(values.database_url, dataDirectory, values.database_connections),
    masterKey: masterKey(values),
    proxies: proxiesOf(values),
    drainDelayMs: values.drain_delay * 1000,
    auditSync: values.audit_sync,
    signingAlgorithm: values.signing_algorithm,
    keyRotationDays: values.key_rotation_days,
    logLevel: values.log_level,
    adminSocket: values.admin_socket,
    accessRequests: {
      mode: values.access_requests,
      approvals: values.request_approvals,
      retentionDays: values.request_retention_days,
    },
    notices: noticeConfig(values),
  }
}

/** Throws Fault `config.invalid`. */
function proxiesOf({ trusted_proxies: byForwardedFor = [], proxies = [] }: SettingValues): readonly ProxyDeclaration[] {
  try {
    return joinProxies(byForwardedFor, proxies)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new Fault(
      'config.invalid',
      `trusted_proxies and proxies contradict each other: ${error.message}`,
      'name each proxy once: in trusted_proxies for X-Forwarded-For alone, otherwise in proxies',
    )
  }
}

/** Throws Fault `config.invalid`. */
export function mtlsConfig(values: ReturnType<typeof withDefaults>, makesCertificate: boolean): MtlsConfig | undefined {
  const { mtls_url: url, proxies = [] } = values
  const files = tlsFiles('mtls', values.mtls_cert, values.mtls_key)
  if (files !== undefined || makesCertificate) return { url, listener: { port: values.mtls_port, files } }
  if (url === undefined) return undefined
  if (handsOnCertificates(proxies)) return { url, listener: undefined }
  throw new Fault(
    'config.invalid',
    `mtls_url is ${url}, but nobody asks clients for certificates there`,
    'set mtls_cert and mtls_key, or the certificate_header of the proxy at that URL in proxies, or leave mtls_url out',
  )
}

/** Whether a proxy is believed about certificates. */
export function handsOnCertificates(proxies: readonly ProxyDeclaration[]): boolean {
  return proxies.some(({ certificateHeader }) => certificateHeader !== undefined)
}

/** A certificate and its key: both, or neither. Throws Fault `config.invalid`. */
export function tlsFiles(
  prefix: 'tls' | 'mtls',
  certificate: string | undefined,
  key: string | undefined,
): TlsFiles | undefined {
  if (certificate === undefined && key === undefined) return undefined
  if (certificate !== undefined && key !== undefined) {
    return { certificate: path.resolve(certificate), key: path.resolve(key) }
  }
  const [given, missing] = certificate === undefined ? ['key', 'cert'] : ['cert', 'key']
  throw new Fault(
    'config.invalid',
    `${prefix}_${given} is set without ${prefix}_${missing}`,
    `set ${prefix}_${missing} too: a certificate needs its key`,
  )
}

/** Throws Fault `config.invalid`, which does not show the URL. */
export function databaseLocation(
  url: string | undefined,
  dataDirectory: string,
  connections?: number,
): DatabaseLocation {
  if (url === undefined) return { kind: 'sqlite', path: path.join(dataDirectory, 'latchkey.db') }
  if (url.startsWith('sqlite:') && url.length > 'sqlite:'.length) {
    return { kind: 'sqlite', path: path.resolve(url.slice('sqlite:'.length)) }
  }
  const remedy = 'correct LATCHKEY_DATABASE_URL or --database-url, or leave it out'
  const parsed = /^postgres(ql)?:\/\//.test(url) ? URL.parse(url) : null
  if (parsed === null) {
    throw new Fault(
      'config.invalid',
      'the database URL is neither sqlite:<path> nor postgres://<user>:<password>@<host>/<database>',
      remedy,
    )
  }
  if (parsed.pathname.length < 2) {
    throw new Fault('config.invalid', 'the database URL names no database behind the host', remedy)
  }
  return { kind: 'postgres', url, ...(connections !== undefined && { connections }) }
}

/** Throws Fault `config.invalid`; shows neither password nor secret. */
function noticeConfig(values: SettingValues): NoticeConfig {
  const { smtp_url: smtpUrl, mail_from: from, webhook_url: webhookUrl, webhook_secret: secret } = values
  if (smtpUrl !== undefined && from === undefined) {
    throw new Fault(
      'config.invalid',
      'a mail server is set, but no sender',
      'set LATCHKEY_MAIL_FROM to an address of yours',
    )
  }
  if ((webhookUrl === undefined) !== (secret === undefined)) {
    throw new Fault(
      'config.invalid',
      webhookUrl === undefined
        ? 'a webhook secret is set, but no URL'
        : 'a webhook URL is set, but no secret to sign with',
      'set both LATCHKEY_WEBHOOK_URL and LATCHKEY_WEBHOOK_SECRET, or neither',
    )
  }
  return {
    smtp: smtpUrl === undefined ? undefined : smtpServer(new URL(smtpUrl)),
    from: from ?? 'latchkey@localhost',
    teamAddresses: values.team_mail ?? [],
    webhook:
      webhookUrl === undefined || secret === undefined
        ? undefined
        : { url: webhookUrl, secret: Buffer.from(secret.slice('whsec_'.length), 'base64') },
  }
}

function smtpServer({ protocol, hostname, port, username, password }: URL): SmtpServer {
  const implicitTls = protocol === 'smtps:'
  const host = hostname.replace(/^\[|\]$/g, '')
  return {
    host,
    port: port === '' ? (implicitTls ? 465 : 587) : Number(port),
    implicitTls,
    requiresTls: !isLoopback(host),
    user: username === '' ? undefined : decodeURIComponent(username),
    password: password === '' ? undefined : decodeURIComponent(password),
  }
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

/** Whether only programs of this machine reach a listener on this address. Names other than `localhost` are taken for the network's. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
