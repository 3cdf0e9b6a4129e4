import { readFileSync } from 'node:fs'
import { isAbsoluteUri, isResourceServerName, signingAlgorithms } from '@latchkey/protocol'
import { readNetworks } from '@latchkey/protocol/network'
import { parseDocument } from 'yaml'
import { Failure } from '../failure.ts'

/*
 * Every setting of a gate once: its key in the file, from which flag (`--proxy-networks`) and variable (`LATCHKEY_GATE_PROXY_NETWORKS`) follow, its form, its default,
 * its meaning. The help is made from this table too. Values arrive as text from flags and environment, as YAML values from the file.
 */

export type GateSettingKey =
  | 'issuer'
  | 'audience'
  | 'resource_server'
  | 'client_id'
  | 'client_secret'
  | 'client_secret_file'
  | 'proxy'
  | 'proxy_networks'
  | 'data_dir'
  | 'host'
  | 'port'
  | 'admin_host'
  | 'admin_port'
  | 'algorithms'
  | 'max_staleness'
  | 'remembered_tokens'
  | 'drain_delay'

interface GateSetting {
  /** What stands behind the flag in help; absent: it has no flag, since command lines are readable by every user of the machine. */
  readonly value?: string
  readonly meaning: string
  /** Written as in a variable. Absent: none, and then it is required unless `optional`. */
  readonly default?: string
  readonly optional?: true
  /** What it may be, for a message. */
  readonly form: string
  readonly isValid: (text: string) => boolean
}

const isNumberBetween = (least: number, most: number) => (text: string) =>
  /^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most
const isPort = isNumberBetween(0, 65_535)
const isText = (text: string) => text !== ''
const portForm = 'a port from 0 to 65535'
const kinds = ['nginx', 'caddy', 'traefik', 'haproxy', 'envoy']

export const gateSettings: Readonly<Record<GateSettingKey, GateSetting>> = {
  issuer: {
    value: 'url',
    meaning: 'the authorization server, exactly as in its metadata',
    form: 'an http(s) URL',
    isValid: (text) => /^https?:$/.test(URL.parse(text)?.protocol ?? ''),
  },
  audience: {
    value: 'uri',
    meaning: 'audience of the API behind the proxy',
    form: 'an absolute URI',
    isValid: isAbsoluteUri,
  },
  resource_server: {
    value: 'name',
    meaning: 'name of the API at the authorization server',
    form: 'the name of a resource server',
    isValid: isResourceServerName,
  },
  client_id: {
    value: 'id',
    meaning: 'client_id of `latchkey resource-server credential`',
    form: 'a client_id',
    isValid: isText,
  },
  client_secret: { meaning: 'its secret', form: 'a secret', isValid: isText, optional: true },
  client_secret_file: {
    value: 'file',
    meaning: 'file with its secret, read anew each time (or the variable LATCHKEY_GATE_CLIENT_SECRET)',
    form: 'a file',
    isValid: isText,
    optional: true,
  },
  proxy: {
    value: 'kind',
    meaning: `what asks: ${kinds.join(', ')}`,
    form: `one of ${kinds.join(', ')}`,
    isValid: (text) => kinds.includes(text),
  },
  proxy_networks: {
    value: 'cidrs',
    meaning: 'where it asks from; nobody else is answered',
    default: '127.0.0.1/32,::1/128',
    form: 'CIDRs separated by commas',
    isValid: areNetworks,
  },
  data_dir: {
    value: 'dir',
    meaning: 'where keys, revocations, rules and policies are kept while the authorization server is away',
    form: 'a directory',
    isValid: isText,
  },
  host: { value: 'address', meaning: 'where proxies ask', default: '127.0.0.1', form: 'an address', isValid: isText },
  port: { value: 'port', meaning: 'port for it', default: '8410', form: portForm, isValid: isPort },
  admin_host: {
    value: 'address',
    meaning: 'where /healthz, /readyz and /metrics are',
    default: '127.0.0.1',
    form: 'an address',
    isValid: isText,
  },
  admin_port: { value: 'port', meaning: 'port for them', default: '8411', form: portForm, isValid: isPort },
  algorithms: {
    value: 'names',
    meaning: 'what tokens may be signed with',
    default: 'ES256',
    form: `names separated by commas out of ${signingAlgorithms.join(', ')}`,
    isValid: (text) => text.split(',').every((name) => (signingAlgorithms as readonly string[]).includes(name.trim())),
  },
  max_staleness: {
    value: 'seconds',
    meaning: 'how long calls are judged while the authorization server is not heard',
    default: '3600',
    form: 'a number of seconds from 10 to 86400',
    isValid: isNumberBetween(10, 86_400),
  },
  remembered_tokens: {
    value: 'count',
    meaning: 'how many tokens are remembered whose signature was verified, about 2 kB each; 0: none',
    default: '10000',
    form: 'a number from 0 to 1000000',
    isValid: isNumberBetween(0, 1_000_000),
  },
  drain_delay: {
    value: 'seconds',
    meaning: 'how long it still answers after it was told to stop',
    default: '0',
    form: 'a number of seconds from 0 to 300',
    isValid: isNumberBetween(0, 300),
  },
}

export const gateSettingKeys: readonly GateSettingKey[] = Object.keys(gateSettings) as GateSettingKey[]

export type GateSettingValues = Readonly<Partial<Record<GateSettingKey, string>>>

export function gateFlagName(key: GateSettingKey): string {
  return `--${key.replaceAll('_', '-')}`
}

export function gateVariableName(key: GateSettingKey): string {
  return `LATCHKEY_GATE_${key.toUpperCase()}`
}

export interface GateSettingSources {
  readonly flags: GateSettingValues
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Path of a YAML file. */
  readonly file: string | undefined
}

/**
 * Reads all settings: flags, then `LATCHKEY_GATE_*`, then the file. Throws a Failure that names what is wrong and where it came from; never the value of a secret.
 * `warnings`: variables of the family that are not known.
 */
export function loadGateSettings({ flags, environment, file }: GateSettingSources): {
  readonly values: GateSettingValues
  readonly warnings: readonly string[]
} {
  const written = file === undefined ? {} : readFile(file)
  const values: Partial<Record<GateSettingKey, string>> = {}
  for (const key of gateSettingKeys) {
    const { form, isValid, value, ...setting } = gateSettings[key]
    const variable = gateVariableName(key)
    const candidates = [
      { origin: gateFlagName(key), text: flags[key] },
      // An empty variable means unset.
      { origin: variable, text: environment[variable] || undefined },
      { origin: `${key} in ${file}`, text: textOf(written[key]) },
      { origin: 'the default', text: setting.default },
    ]
    const found = candidates.find(({ text }) => text !== undefined)
    if (found?.text === undefined) {
      if (setting.optional === true) continue
      throw invalid(
        `${gateFlagName(key)} is missing: ${setting.meaning}`,
        `give it as flag, as ${variable}, or in the file`,
      )
    }
    const shown = value === undefined ? '' : ` ${JSON.stringify(found.text)}`
    if (!isValid(found.text)) throw invalid(`${found.origin}${shown} is not ${form}`, `correct ${found.origin}`)
    values[key] = found.text
  }
  const known = new Set(gateSettingKeys.map(gateVariableName))
  const warnings = Object.keys(environment)
    .filter((name) => name.startsWith('LATCHKEY_GATE_') && !known.has(name))
    .map((name) => `the variable ${name} is not known to this version and is ignored`)
  return { values, warnings }
}

function readFile(file: string): Readonly<Record<string, unknown>> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw invalid(`cannot read the configuration file ${file}: ${code}`, 'check the path given with --config')
  }
  const document = parseDocument(text, { uniqueKeys: true })
  // Neither error nor value is quoted: the file may hold the secret.
  if (document.errors.length > 0) throw invalid(`${file} is not YAML`, `correct ${file}`)
  const content: unknown = document.toJS() ?? {}
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw invalid(`${file} is not a list of "key: value" lines`, `correct ${file}`)
  }
  const unknown = Object.keys(content).find((key) => !Object.hasOwn(gateSettings, key))
  if (unknown !== undefined) {
    throw invalid(`${file} has the unknown key ${JSON.stringify(unknown)}`, `known are ${gateSettingKeys.join(', ')}`)
  }
  return content as Readonly<Record<string, unknown>>
}

/** A list counts as its parts, separated by commas. What is no text is none of the forms. */
function textOf(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  return Array.isArray(value) && value.every((each) => typeof each === 'string') ? value.join(',') : ''
}

function areNetworks(text: string): boolean {
  try {
    return readNetworks(splitList(text)).length > 0
  } catch {
    return false
  }
}

export function splitList(text: string): readonly string[] {
  return text.split(',').map((part) => part.trim())
}

function invalid(message: string, hint: string): Failure {
  return new Failure(2, 'config.invalid', message, hint)
}
