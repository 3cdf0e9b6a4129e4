import path from 'node:path'
import type { Restored } from '@latchkey/server'
import { Command } from 'commander'
import { misuse } from '../failure.ts'
import { moment, record, table } from '../output/layout.ts'
import { printableJson } from '../output/printable.ts'
import { addSettings, givenFlags } from '../settings/setting-options.ts'

interface Options {
  readonly config?: string
  readonly replace?: boolean
  readonly yes?: boolean
  readonly json?: boolean
}

/** `restore FILE`: works on the data themselves; no server may be running on them. */
export function restoreCommand(): Command {
  const command = new Command('restore')
    .description('put a backup in place of the database of a server that is stopped')
    .argument('<FILE>')
  addSettings(command, 'serve', ['data_dir', 'database_url', 'master_key_file', 'signing_algorithm'])
  return command
    .option('--replace', 'remove the installation that is in the database')
    .option('--yes', 'do it: there is no way back')
    .option('--json', 'print one line of JSON, errors on standard error likewise')
    .addHelpText(
      'after',
      `
Takes the configuration of the server. The whole file is checked first; then everything is replaced, or nothing. Every token that was issued before is
refused by all APIs as soon as a server runs, and new keys sign. What was revoked after the backup was taken is in force again: revoke it again.

Examples:
  $ latchkey restore latchkey-2026-11-23.backup --config latchkey.config.yaml
  $ latchkey restore latchkey-2026-11-23.backup --config latchkey.config.yaml --replace --yes
`,
    )
    .action(async (file: string, options: Options) => {
      const replace = options.replace === true
      if (replace && options.yes !== true) {
        throw misuse('what --replace removes cannot be brought back', 'repeat the command with --yes')
      }
      const { loadSettings, restoreBackup, restorePlace, systemClock, systemRandom } = await import('@latchkey/server')
      const { values } = loadSettings({ flags: givenFlags(command), environment: process.env, file: options.config })
      const surroundings = { clock: systemClock, random: systemRandom() }
      const restored = await restoreBackup(restorePlace(values), { file: path.resolve(file), replace }, surroundings)
      process.stdout.write(options.json === true ? `${printableJson(answer(restored))}\n` : layOut(restored))
    })
}

function answer({ madeAt, version, issuer, rows, migrated, steps, lost, hasMoreLost }: Restored): object {
  return {
    made_at: Math.floor(madeAt / 1000),
    version,
    issuer,
    rows,
    migrated,
    done: steps,
    lost: lost.map(({ at, actor, name, subject }) => ({ at: Math.floor(at / 1000), actor, event: name, subject })),
    lost_is_complete: !hasMoreLost,
  }
}

function layOut(restored: Restored): string {
  const { madeAt, version, issuer, rows, migrated, steps, lost, hasMoreLost } = restored
  const summary = record([
    ['made', moment(Math.floor(madeAt / 1000))],
    ['by version', version],
    ['issuer', issuer],
    ['rows', String(rows)],
    ['migrated', migrated.length === 0 ? undefined : migrated],
    ['done', steps],
  ])
  if (lost.length === 0) return `${summary}\n${unknownLosses}`
  const columns = [
    { title: 'AT', value: ({ at }: Restored['lost'][number]) => moment(Math.floor(at / 1000)) },
    { title: 'EVENT', value: ({ name }: Restored['lost'][number]) => name },
    { title: 'SUBJECT', value: ({ subject }: Restored['lost'][number]) => subject },
    { title: 'ACTOR', value: ({ actor }: Restored['lost'][number]) => actor },
  ]
  const more = hasMoreLost ? `These are the first ${lost.length}; there were more.\n` : ''
  return `${summary}\nChanges that were made after the backup, and are undone by it: do again what has to be, revocations first.\n${table(lost, columns, '')}${more}`
}

/** When the replaced database could not be asked. */
const unknownLosses =
  'Nothing is known here of changes after the backup. If any were made, do them again: secrets, keys and clients that were revoked since are in force.\n'
