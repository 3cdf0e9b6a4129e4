import { isEnvironmentName } from '@latchkey/protocol'
import { z } from 'zod'
import type { AuditSync } from '../audit/log/token-log.ts'
import { proxyNetworks } from '../http/peer.ts'
import { logLevels, type LogLevel } from '../kernel/log.ts'

/*
 * Every setting once: its key in the file, from which flag (`--admin-port`) and variable (`LATCHKEY_ADMIN_PORT`) follow, its form, its meaning.
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
      proxyNetworks(cidrs)
    } catch (error) {
      context.addIssue({ code: 'custom', message: `CIDRs separated by commas; not one: ${(error as Error).message}` })
    }
  })

const url = z.string('a URL').refine((value) => URL.canParse(value), 'a URL')
const text = z.string('a text').min(1, 'a text of at least one character')

export interface Setting {
  readonly schema: z.ZodType
  readonly meaning: string
  /** Shown as the default in help. */
  readonly default?: string
  /** Secrets have no flag: command lines are readable by every user of the machine. */
  readonly noFlag?: boolean
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
  readonly master_key?: string
  readonly master_key_file?: string
  readonly trusted_proxies?: readonly string[]
  readonly audit_sync?: AuditSync
  readonly log_level?: LogLevel
  readonly admin_socket?: string
}

export type SettingKey = keyof SettingValues

export const settings: Readonly<Record<SettingKey, Setting>> = {
  issuer: { schema: issuer, meaning: 'public URL of this server; `iss` of every token' },
  environment: {
    schema: z.string('1 to 16 of a-z 0-9').refine(isEnvironmentName, '1 to 16 of a-z 0-9'),
    meaning: 'stands in every client secret',
    default: 'dev',
  },
  host: { schema: text, meaning: 'address of the public listener', default: '127.0.0.1' },
  port: { schema: port, meaning: 'port of the public listener', default: '8400' },
  admin_host: { schema: text, meaning: 'address of the admin listener', default: '127.0.0.1' },
  admin_port: { schema: port, meaning: 'port of the admin listener', default: '8401' },
  api_port: { schema: port, meaning: 'port of the example API', default: '8402' },
  console_url: { schema: url, meaning: 'URL at which people reach the admin listener' },
  data_dir: { schema: text, meaning: 'where everything is kept', default: '.latchkey' },
  database_url: { schema: text, meaning: 'sqlite:<path> or postgres://…', default: 'a file in the data directory' },
  master_key: { schema: text, meaning: 'master key: 32 bytes, base64url', noFlag: true },
  master_key_file: { schema: text, meaning: 'file that holds the master key' },
  trusted_proxies: { schema: networks, meaning: 'CIDRs of proxies whose X-Forwarded-For is believed' },
  audit_sync: {
    schema: z.enum(['interval', 'answer'], 'interval or answer'),
    meaning: 'when the audit log is synced: within 50 ms of the answer, or before it',
    default: 'interval',
  },
  log_level: {
    schema: z.enum(logLevels, `one of ${logLevels.join(', ')}`),
    meaning: 'how much is logged',
    default: 'info',
  },
  admin_socket: { schema: text, meaning: 'path of the unix socket for administration' },
}

export const settingKeys: readonly SettingKey[] = Object.keys(settings) as SettingKey[]

export function variableName(key: SettingKey): string {
  return `LATCHKEY_${key.toUpperCase()}`
}

export function flagName(key: SettingKey): string {
  return `--${key.replaceAll('_', '-')}`
}
