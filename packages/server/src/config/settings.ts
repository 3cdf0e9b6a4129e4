import { contactAddressPattern } from '@latchkey/admin-contract'
import { isEnvironmentName, signingAlgorithms, type ProxyDeclaration, type SigningAlgorithm } from '@latchkey/protocol'
import { readNetworks } from '@latchkey/protocol/network'
import { z } from 'zod'
import type { AuditSync } from '../audit/log/token-log.ts'
import { logLevels, type LogLevel } from '../kernel/log.ts'
import { readProxyEntries } from './proxy-entries.ts'

/*
 * Every setting once: its key in the file, from which flag (`--admin-port`) and variable (`LATCHKEY_ADMIN_PORT`) follow, its form, its default,
 * its meaning. Help, `latchkey init` and both configurations are made from this table.
 * Values arrive as text from flags and environment, as YAML values from the file.
 */

/** Digits only: `Number` would also make ports of nothing at all, of `true` and of `8e3`. */
const port = z
  .union([z.number(), z.string().regex(/^\d+$/).transform(Number)], 'a port from 0 to 65535')
  .refine((value) => Number.isInteger(value) && value >= 0 && value <= 65_535, 'a port from 0 to 65535')

/** An issuer (RFC 8414 §2): http or https, without query, fragment or trailing slash. */
const issuer = z.string('a URL').refine((value) => {
  const url = URL.parse(value)
  return (
    url !== null &&
    (url.protocol === 'https:' || url.protocol === 'http:') &&
    url.username === '' &&
    !/[?#]|\/$/.test(value) &&
    `${url.origin}${url.pathname === '/' ? '' : url.pathname}` === value
  )
}, 'an http(s) URL in its plain form, without query, fragment or trailing slash, for example https://auth.example.com')

const networks = z
  .union(
    [z.array(z.string()), z.string().transform((text) => text.split(',').map((part) => part.trim()))],
    'CIDRs separated by commas',
  )
  .superRefine((cidrs, context) => {
    try {
      readNetworks(cidrs)
    } catch (error) {
      context.addIssue({ code: 'custom', message: `CIDRs separated by commas; not one: ${(error as Error).message}` })
    }
  })

const proxyEntries = z.unknown().transform((value, context) => {
  try {
    return readProxyEntries(value)
  } catch (error) {
    context.addIssue({ code: 'custom', message: `a list of proxies: ${(error as Error).message}` })
    return z.NEVER
  }
})

const mailAddresses = z
  .union(
    [z.array(z.string()), z.string().transform((list) => list.split(',').map((part) => part.trim()))],
    'e-mail addresses separated by commas',
  )
  .refine((list) => list.every((one) => contactAddressPattern.test(one)), 'e-mail addresses separated by commas')

/** Never shown: it may hold a password. */
const smtpUrl = z.string('a URL').refine((value) => {
  const parsed = URL.parse(value)
  return parsed !== null && /^smtps?:$/.test(parsed.protocol) && parsed.hostname !== '' && /^\/?$/.test(parsed.pathname)
}, 'smtps://<user>:<password>@<host>, or smtp://… with STARTTLS')

const webhookUrl = z.string('a URL').refine((value) => {
  const parsed = URL.parse(value)
  if (parsed === null || parsed.username !== '') return false
  const isNear = ['localhost', '127.0.0.1', '[::1]'].includes(parsed.hostname)
  return parsed.protocol === 'https:' || (parsed.protocol === 'http:' && isNear)
}, 'an https URL')

const webhookSecret = z
  .string('whsec_ and base64')
  .refine(
    (value) => /^whsec_[A-Za-z0-9+/]+={0,2}$/.test(value) && Buffer.from(value.slice(6), 'base64').length >= 24,
    'whsec_ and at least 24 random bytes in base64, for example of `echo whsec_$(openssl rand -base64 32)`',
  )

/** Of the listener that asks for certificates: the issuer's form, and https. */
const httpsOrigin = z
  .string('an https URL')
  .refine(
    (value) => URL.parse(value)?.origin === value && value.startsWith('https://'),
    'an https URL without path, for example https://mtls.example.com',
  )

const url = z.string('a URL').refine((value) => URL.canParse(value), 'a URL')
const text = z.string('a text').min(1, 'a text of at least one character')
const yesOrNo = z.union(
  [z.boolean(), z.enum(['true', 'false']).transform((value) => value === 'true')],
  'true or false',
)

function wholeNumber(least: number, most: number, form: string): z.ZodType<number> {
  return z
    .union([z.number(), z.string().regex(/^\d+$/).transform(Number)], form)
    .refine((value) => Number.isInteger(value) && value >= least && value <= most, form)
}

/** A new key is published for more than a day before it signs. */
const keyRotationForm = '0, or a number of days from 2 to 3650'

const workersForm = 'a number from 1 to 256, or auto'

/** The two ways to run a server. */
export type Mode = 'dev' | 'serve'

export interface Setting {
  readonly schema: z.ZodType
  readonly meaning: string
  /** What holds when nobody says otherwise, written as in a variable; one for both commands or one for each. */
  readonly default?: string | Readonly<Partial<Record<Mode, string>>>
  /** Said in help where the default is not a plain value. */
  readonly otherwise?: string | Readonly<Partial<Record<Mode, string>>>
  /** What stands behind the flag in help; a flag without it takes no value. */
  readonly value?: string
  /** Secrets have no flag: command lines are readable by every user of the machine. */
  readonly noFlag?: boolean
  /** Too much for one line: neither flag nor variable. */
  readonly fileOnly?: boolean
  /** The flag says no: `--no-migrate`. */
  readonly negated?: boolean
  /** The only command that it means anything to. */
  readonly only?: Mode
}

/** Parsed values; a setting that nobody gave is absent. */
export interface SettingValues {
  readonly issuer?: string
  readonly environment?: string
  readonly host?: string
  readonly port?: number
  readonly admin_host?: string
  readonly admin_port?: number
  readonly api_port?: number
  readonly console_url?: string
  readonly data_dir?: string
  readonly database_url?: string
  readonly database_connections?: number
  readonly migrate?: boolean
  readonly master_key?: string
  readonly master_key_file?: string
  readonly tls_cert?: string
  readonly tls_key?: string
  readonly mtls_port?: number
  readonly mtls_url?: string
  readonly mtls_cert?: string
  readonly mtls_key?: string
  readonly trusted_proxies?: readonly string[]
  readonly proxies?: readonly ProxyDeclaration[]
  readonly insecure_http?: boolean
  readonly workers?: number | 'auto'
  readonly drain_delay?: number
  readonly audit_sync?: AuditSync
  readonly signing_algorithm?: SigningAlgorithm
  readonly key_rotation_days?: number
  readonly log_level?: LogLevel
  readonly admin_socket?: string
  readonly access_requests?: 'open' | 'invitation' | 'off'
  readonly request_approvals?: 1 | 2
  readonly request_retention_days?: number
  readonly smtp_url?: string
  readonly mail_from?: string
  readonly team_mail?: readonly string[]
  readonly webhook_url?: string
  readonly webhook_secret?: string
}

export type SettingKey = keyof SettingValues

/** Settings that have a value whatever was given. */
type DefaultedKey =
  | 'environment'
  | 'host'
  | 'port'
  | 'admin_host'
  | 'admin_port'
  | 'api_port'
  | 'mtls_port'
  | 'database_connections'
  | 'migrate'
  | 'insecure_http'
  | 'workers'
  | 'drain_delay'
  | 'access_requests'
  | 'request_approvals'
  | 'request_retention_days'
  | 'audit_sync'
  | 'signing_algorithm'
  | 'key_rotation_days'
  | 'log_level'

type WithDefault = Setting & { readonly default: string | Readonly<Record<Mode, string>> }

export const settings: Readonly<{ [Key in SettingKey]: Key extends DefaultedKey ? WithDefault : Setting }> = {
  issuer: {
    schema: issuer,
    value: 'url',
    meaning: 'public URL of this server; `iss` of every token',
    otherwise: { dev: 'http://127.0.0.1:<port>', serve: 'required: https' },
  },
  environment: {
    schema: z.string('1 to 16 of a-z 0-9').refine(isEnvironmentName, '1 to 16 of a-z 0-9'),
    value: 'name',
    meaning: 'stands in every client secret',
    default: { dev: 'dev', serve: 'prod' },
  },
  host: { schema: text, value: 'address', meaning: 'address of the public listener', default: '127.0.0.1' },
  port: { schema: port, value: 'port', meaning: 'port of the public listener, 0 for any free one', default: '8400' },
  admin_host: { schema: text, value: 'address', meaning: 'address of the admin listener', default: '127.0.0.1' },
  admin_port: { schema: port, value: 'port', meaning: 'port of the admin listener', default: '8401' },
  api_port: { schema: port, value: 'port', meaning: 'port of the example API', default: '8402', only: 'dev' },
  console_url: { schema: url, value: 'url', meaning: 'URL at which people reach the admin listener' },
  data_dir: {
    schema: text,
    value: 'directory',
    meaning: 'where everything is kept',
    default: { dev: '.latchkey' },
    otherwise: 'required',
  },
  database_url: {
    schema: text,
    value: 'url',
    meaning: 'sqlite:<path> or postgres://<user>:<password>@<host>/<database>',
    otherwise: 'latchkey.db in the data directory',
  },
  database_connections: {
    schema: wholeNumber(3, 1000, 'a number from 3 to 1000'),
    value: 'number',
    meaning: 'connections of each process to PostgreSQL at most, besides the one on which it listens',
    default: '10',
  },
  migrate: {
    schema: yesOrNo,
    meaning: 'whether a start brings an older database up to date; otherwise it is refused',
    default: 'true',
    negated: true,
    only: 'serve',
  },
  master_key: { schema: text, meaning: 'master key: 32 bytes, base64url', noFlag: true },
  master_key_file: {
    schema: text,
    value: 'file',
    meaning: 'holds the master key',
    otherwise: { dev: 'made in a new data directory', serve: 'required: see latchkey init' },
  },
  tls_cert: {
    schema: text,
    value: 'file',
    meaning: 'certificate chain of the listeners (PEM), read again when it changes',
    only: 'serve',
  },
  tls_key: { schema: text, value: 'file', meaning: 'private key of that certificate (PEM)', only: 'serve' },
  mtls_port: {
    schema: port,
    value: 'port',
    meaning: 'port of the listener that asks clients for certificates',
    default: '8443',
  },
  mtls_url: {
    schema: httpsOrigin,
    value: 'url',
    meaning: 'URL at which clients reach that listener',
    otherwise: "the issuer's host with that port",
  },
  mtls_cert: {
    schema: text,
    value: 'file',
    meaning: 'certificate chain of that listener (PEM), read again when it changes',
    otherwise: { dev: 'made in the data directory', serve: 'there is no such listener' },
  },
  mtls_key: { schema: text, value: 'file', meaning: 'private key of that certificate (PEM)' },
  trusted_proxies: {
    schema: networks,
    value: 'cidrs',
    meaning: 'proxies whose X-Forwarded-For is believed',
    otherwise: 'none',
  },
  proxies: {
    schema: proxyEntries,
    meaning: 'proxies with other headers, or certificates: a list of networks, address_header, certificate_header',
    fileOnly: true,
  },
  insecure_http: {
    schema: yesOrNo,
    meaning: 'allow plain HTTP on addresses that are not loopback',
    default: 'false',
    only: 'serve',
  },
  workers: {
    schema: z.union([z.literal('auto'), wholeNumber(1, 256, workersForm)], workersForm),
    value: 'number',
    meaning: 'processes that serve the public listener; auto: one for each core. More than 1 needs PostgreSQL',
    default: '1',
    only: 'serve',
  },
  drain_delay: {
    schema: wholeNumber(0, 300, 'a number of seconds from 0 to 300'),
    value: 'seconds',
    meaning: 'how long a stopping server, no longer ready, goes on serving until balancers have noticed',
    default: { dev: '0', serve: '5' },
  },
  audit_sync: {
    schema: z.enum(['interval', 'answer'], 'interval or answer'),
    value: 'when',
    meaning: 'when the audit log is synced to disk: within 50 ms of the answer (interval), or before it (answer)',
    default: 'interval',
  },
  signing_algorithm: {
    schema: z.enum(signingAlgorithms, `one of ${signingAlgorithms.join(', ')}`),
    value: 'name',
    meaning: `what new keys sign tokens with, from the next rotation on: ${signingAlgorithms.join(', ')}`,
    default: 'ES256',
  },
  key_rotation_days: {
    schema: wholeNumber(0, 3650, keyRotationForm).refine((days) => days !== 1, keyRotationForm),
    value: 'days',
    meaning: 'how long a key signs tokens before the next one takes over; 0: until `latchkey key rotate`',
    default: '90',
  },
  log_level: {
    schema: z.enum(logLevels, `one of ${logLevels.join(', ')}`),
    value: 'level',
    meaning: logLevels.join(', '),
    default: { dev: 'warn', serve: 'info' },
  },
  access_requests: {
    schema: z.enum(['open', 'invitation', 'off'], 'open, invitation or off'),
    value: 'mode',
    meaning: 'who may ask for access on the public page: open, invitation, off',
    default: { dev: 'open', serve: 'invitation' },
  },
  request_approvals: {
    schema: z.union([z.literal([1, 2]), z.enum(['1', '2']).transform((value) => (value === '1' ? 1 : 2))], '1 or 2'),
    value: 'number',
    meaning: 'how many different people an approval of access takes: 1 or 2',
    default: '1',
  },
  request_retention_days: {
    schema: wholeNumber(0, 36_500, 'a number of days from 0 to 36500'),
    value: 'days',
    meaning: 'how long a request that is over is kept, after the thirty days of its time; 0: for ever',
    default: '365',
  },
  smtp_url: {
    schema: smtpUrl,
    meaning: 'mail server for notices: smtps://<user>:<password>@<host>, or smtp:// with STARTTLS',
    noFlag: true,
    otherwise: { dev: 'mails are written to <data directory>/mail', serve: 'no mail is sent' },
  },
  mail_from: {
    schema: z.string('an e-mail address').regex(contactAddressPattern, 'an e-mail address'),
    value: 'address',
    meaning: 'sender of mails',
    otherwise: { serve: 'required with smtp_url' },
  },
  team_mail: {
    schema: mailAddresses,
    value: 'addresses',
    meaning: 'whom of the platform team to tell of requests and deliveries, separated by commas',
    otherwise: 'nobody',
  },
  webhook_url: {
    schema: webhookUrl,
    value: 'url',
    meaning: 'is told by signed POSTs what the team is told by mail',
  },
  webhook_secret: { schema: webhookSecret, meaning: 'signs webhooks: whsec_<base64>', noFlag: true },
  admin_socket: {
    schema: text,
    value: 'path',
    meaning: 'unix socket for administration',
    otherwise: 'in the data directory',
  },
}

export const settingKeys: readonly SettingKey[] = Object.keys(settings) as SettingKey[]

/** The default in the form of a variable; undefined when there is none. */
export function defaultText(key: SettingKey, mode: Mode): string | undefined {
  const { default: given }: Setting = settings[key]
  return typeof given === 'object' ? given[mode] : given
}

/** What help says of a setting that nobody gave; undefined when there is nothing to say. */
export function otherwiseText(key: SettingKey, mode: Mode): string | undefined {
  const { otherwise }: Setting = settings[key]
  return typeof otherwise === 'object' ? otherwise[mode] : otherwise
}

/** Whether the setting has a flag. */
export function hasFlag(key: SettingKey): boolean {
  const { noFlag, fileOnly }: Setting = settings[key]
  return noFlag !== true && fileOnly !== true
}

/** Whether the setting has a variable. */
export function hasVariable(key: SettingKey): boolean {
  const { fileOnly }: Setting = settings[key]
  return fileOnly !== true
}

/** The values with every default filled in. */
export function withDefaults(
  values: SettingValues,
  mode: Mode,
): SettingValues & Required<Pick<SettingValues, DefaultedKey>> {
  const defaults = settingKeys.flatMap((key) => {
    const written = defaultText(key, mode)
    return written === undefined ? [] : [[key, settings[key].schema.parse(written)]]
  })
  // The type of the table says which keys have a default; a test says that each is one that its schema takes.
  return { ...Object.fromEntries(defaults), ...values } as ReturnType<typeof withDefaults>
}

/** Whether the setting means anything to the command. */
export function belongsTo(key: SettingKey, mode: Mode): boolean {
  const { only }: Setting = settings[key]
  return only === undefined || only === mode
}

export function variableName(key: SettingKey): string {
  return `LATCHKEY_${key.toUpperCase()}`
}

export function flagName(key: SettingKey): string {
  const { negated }: Setting = settings[key]
  return `--${negated === true ? 'no-' : ''}${key.replaceAll('_', '-')}`
}
