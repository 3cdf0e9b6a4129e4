import {
  belongsTo,
  defaultText,
  otherwiseText,
  settingKeys,
  settings,
  type Setting,
  type SettingKey,
} from '@latchkey/server/settings'

const opening = `# Settings of \`latchkey serve\`. A LATCHKEY_* variable of the same name goes before what stands here, and a flag before both.
# A line that begins with "# name:" shows a default. Unknown names are refused.
`

/** A configuration file (YAML) with these values, and every other setting of \`serve\` as a comment. */
export function configFile(values: Readonly<Partial<Record<SettingKey, string>>>): string {
  const entries = settingKeys.flatMap((key) => {
    const { meaning, noFlag }: Setting = settings[key]
    const otherwise = otherwiseText(key, 'serve')
    // Nobody should write a secret here who was not looking for a place to do so.
    if (noFlag === true || !belongsTo(key, 'serve')) return []
    const value = values[key]
    const shown = defaultText(key, 'serve') ?? ''
    const remark = otherwise === undefined ? meaning : `${meaning} (${otherwise})`
    // A JSON text is a YAML text.
    return [
      `\n# ${remark}\n${value === undefined ? `# ${key}: ${shown}`.trimEnd() : `${key}: ${JSON.stringify(value)}`}\n`,
    ]
  })
  return opening + entries.join('')
}
