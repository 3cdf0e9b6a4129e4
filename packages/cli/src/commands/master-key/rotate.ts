import path from 'node:path'
import type { RotatedMasterKey } from '@latchkey/server'
import { Command } from 'commander'
import { printable, printableJson } from '../../output/printable.ts'
import { addSettings, givenFlags } from '../../settings/setting-options.ts'

interface Options {
  readonly config?: string
  readonly newKeyFile?: string
  readonly json?: boolean
}

/** `master-key rotate`: works on the database itself, so that no master key goes over a connection. */
export function rotateVerb(): Command {
  const command = new Command('rotate').description('seal everything under a new master key')
  addSettings(command, 'serve', ['data_dir', 'database_url', 'master_key_file'])
  return command
    .option(
      '--new-key-file <file>',
      'holds the new master key, or is made; without it, a new one takes the place of the file in use',
    )
    .option('--json', 'print one line of JSON, errors on standard error likewise')
    .addHelpText(
      'after',
      `
Only the data keys are sealed anew, in one transaction; secrets, signing keys and tokens stay as they are. Takes the configuration of \`latchkey serve\`;
of \`latchkey dev\` where that has made the data directory. An embedded database has to be at rest: stop its server first. Servers on PostgreSQL run
on, and need the new key when they start the next time. The old key stays in a file of its own: backups until now need it.
Cut off at any moment, it leaves a key that works in place; the next start, or repeating the command, finishes it.

Examples:
  $ latchkey master-key rotate --config latchkey.config.yaml
  $ latchkey master-key rotate --config latchkey.config.yaml --new-key-file /etc/latchkey/master-2027.key
  $ latchkey master-key rotate --data-dir .latchkey
`,
    )
    .action(async (options: Options) => {
      const server = await import('@latchkey/server')
      const { values } = server.loadSettings({
        flags: givenFlags(command),
        environment: process.env,
        file: options.config,
      })
      const { newKeyFile } = options
      const rotated = await server.rotateMasterKey(
        server.masterKeyPlace(values),
        newKeyFile === undefined ? undefined : path.resolve(newKeyFile),
        { clock: server.systemClock, random: server.systemRandom() },
      )
      process.stdout.write(options.json === true ? `${printableJson(shape(rotated))}\n` : layOut(rotated))
    })
}

function shape({ dataKeys, file, isInPlace, keptFile }: RotatedMasterKey) {
  return { data_keys: dataKeys, master_key_file: file, in_place: isInPlace, old_master_key_file: keptFile }
}

function layOut({ dataKeys, file, isInPlace, keptFile }: RotatedMasterKey): string {
  const done =
    dataKeys === 0
      ? 'The data keys are sealed under this master key already.\n'
      : `${dataKeys} data keys are sealed under the new master key.\n`
  const old =
    keptFile === undefined ? '' : `The old one is in ${printable(keptFile)}: keep it as long as backups from before.\n`
  return isInPlace
    ? `${done}It is in ${printable(file)}, where servers look for it.\n${old}`
    : `${done}It is in ${printable(file)}: set LATCHKEY_MASTER_KEY_FILE to that before a server starts the next time.\nKeep the old one as long as backups from before.\n`
}
