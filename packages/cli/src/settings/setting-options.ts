import {
  belongsTo,
  defaultText,
  flagName,
  hasFlag,
  otherwiseText,
  settingKeys,
  settings,
  type Mode,
  type Setting,
  type SettingKey,
} from '@latchkey/server/settings'
import { Option, type Command } from 'commander'

/** Gives a command `--config` and the settings of `serve` or `dev` as options, or only some of them, as the table of settings describes them. */
export function addSettings(command: Command, mode: Mode, keys: readonly SettingKey[] = settingKeys): void {
  command.option('--config <file>', 'settings from a YAML file; flags and LATCHKEY_* variables go before it')
  for (const key of keys) {
    const option = settingOption(key, mode)
    if (option !== undefined) command.addOption(option)
  }
}

/** The option of one setting; undefined when it has none, or means nothing to the command. */
export function settingOption(key: SettingKey, mode: Mode): Option | undefined {
  const { value }: Setting = settings[key]
  if (!hasFlag(key) || !belongsTo(key, mode)) return undefined
  const flag = flagName(key)
  return new Option(value === undefined ? flag : `${flag} <${value}>`, describe(key, mode))
}

/** What was given as flags, by setting key, as text like a variable's. */
export function givenFlags(command: Command): Partial<Record<SettingKey, string>> {
  const given: Partial<Record<SettingKey, string>> = {}
  for (const key of settingKeys) {
    const name = attributeName(key)
    // A flag that says no has a value even where nobody gave it.
    if (command.getOptionValueSource(name) === 'cli') given[key] = String(command.getOptionValue(name))
  }
  return given
}

function describe(key: SettingKey, mode: Mode): string {
  const { meaning, negated }: Setting = settings[key]
  if (negated === true) return `not: ${meaning}`
  const shown = defaultText(key, mode) ?? otherwiseText(key, mode)
  return shown === undefined || shown === 'false' ? meaning : `${meaning} (${shown})`
}

/** `admin_port` → `adminPort`, as commander calls it. */
function attributeName(key: SettingKey): string {
  return key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
