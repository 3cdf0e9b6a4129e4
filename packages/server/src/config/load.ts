import { readFileSync } from 'node:fs'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import { describeError, Fault } from '../kernel/faults.ts'
import {
  belongsTo,
  flagName,
  hasFlag,
  hasVariable,
  settingKeys,
  settings,
  variableName,
  type Mode,
  type SettingKey,
  type SettingValues,
} from './settings.ts'

/** Where settings come from, the first that has one winning: flags, environment, file. */
export interface ConfigSources {
  /** By setting key. */
  readonly flags: Readonly<Partial<Record<SettingKey, string>>>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Path of a YAML file. */
  readonly file: string | undefined
  /** Names what is given but means nothing to this command. Absent: to every setting there is. */
  readonly mode?: Mode
}

export interface LoadedSettings {
  readonly values: SettingValues
  /** Sentences for the log: what was not understood and does no harm. */
  readonly warnings: readonly string[]
}

/** Variables of the same family that this server has no use for. */
const clientVariables = new Set(
  ['CLIENT_ID', 'CLIENT_SECRET', 'CLIENT_SECRET_FILE', 'SCOPE'].map((name) => `LATCHKEY_${name}`),
)

/** Reads all settings. Throws Fault `config.invalid` that names the setting, where it came from and what it may be; never its value when it is a secret. */
export function loadSettings(sources: ConfigSources): LoadedSettings {
  const file = sources.file === undefined ? {} : readFile(sources.file)
  const values: Record<string, unknown> = {}
  const warnings = unknownVariables(sources.environment)
  for (const key of settingKeys) {
    const variable = hasVariable(key) ? sources.environment[variableName(key)] : undefined
    const candidates = [
      { origin: flagName(key), value: sources.flags[key] },
      // An empty variable means unset.
      { origin: variableName(key), value: variable === '' ? undefined : variable },
      { origin: `${key} in ${sources.file}`, value: file[key] },
    ]
    const found = candidates.find((candidate) => candidate.value !== undefined)
    if (found === undefined) continue
    values[key] = parseSetting(key, found.origin, found.value)
    if (sources.mode !== undefined && !belongsTo(key, sources.mode)) {
      warnings.push(`${found.origin} means nothing to \`latchkey ${sources.mode}\` and is ignored`)
    }
  }
  return { values, warnings }
}

function parseSetting(key: SettingKey, origin: string, value: unknown): unknown {
  // A URL may carry a password before its host.
  const shown = !hasFlag(key) ? '' : ` ${JSON.stringify(value).replace(/\/\/.*@/, '//[redacted]@')}`
  if (typeof value === 'string' && /^(tcp|udp):\/\//.test(value)) {
    throw invalid(
      `${origin}${shown} is a service's address: Kubernetes sets such variables for a service named "latchkey"`,
      'set enableServiceLinks: false in the pod, or give the service another name',
    )
  }
  const parsed = settings[key].schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw invalid(
    `${origin}${shown} is not ${z.prettifyError(parsed.error).replace(/^✖ /, '').split('\n')[0]}`,
    `correct ${origin}`,
  )
}

function readFile(file: string): Record<string, unknown> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw invalid(
      `cannot read the configuration file ${file}: ${describeError(error)}`,
      'check the path given with --config',
    )
  }
  const document = parseDocument(text, { uniqueKeys: true })
  const [problem] = document.errors
  if (problem !== undefined) throw invalid(`${file} is not YAML: ${problem.message.split('\n')[0]}`, `correct ${file}`)
  let content: unknown
  try {
    content = document.toJS() ?? {}
  } catch {
    // The error quotes the alias, which may be a secret that begins with an asterisk.
    throw invalid(
      `${file} has an alias without its anchor, or too many aliases`,
      `put values that begin with * in quotes in ${file}`,
    )
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw invalid(`${file} is not a list of "key: value" lines`, `correct ${file}`)
  }
  const unknown = Object.keys(content).find((key) => !(settingKeys as readonly string[]).includes(key))
  if (unknown !== undefined) {
    throw invalid(`${file} has the unknown key ${JSON.stringify(unknown)}`, `known are ${settingKeys.join(', ')}`)
  }
  return content as Record<string, unknown>
}

function unknownVariables(environment: ConfigSources['environment']): string[] {
  const known = new Set(settingKeys.filter(hasVariable).map((key) => variableName(key)))
  return Object.keys(environment)
    .filter((name) => name.startsWith('LATCHKEY_') && !name.startsWith('LATCHKEY_GATE_'))
    .filter((name) => !known.has(name) && !clientVariables.has(name))
    .map((name) => `the variable ${name} is not known to this version and is ignored`)
}

function invalid(message: string, remedy: string): Fault {
  return new Fault('config.invalid', message, remedy)
}
