import { Command } from 'commander'
import { UnfavourableAnswer } from '../failure.ts'
import { addSettings, givenFlags } from '../settings/setting-options.ts'

/** `latchkey migrate`: the database, brought up to date before servers of a new version start. */
export function migrateCommand(): Command {
  const command = new Command('migrate').description('bring the database up to date with this version')
  addSettings(command, 'serve', ['data_dir', 'database_url'])
  return command
    .option('--check', 'change nothing, and end with 1 when something is to be done')
    .option('--json', 'print one line of JSON, errors on standard error likewise')
    .addHelpText(
      'after',
      `
Takes the configuration of \`latchkey serve\`. \`serve\` migrates by itself unless it is started with --no-migrate; this is for a role that may change
tables, apart from the one that servers use. An embedded database has to be at rest: stop its server first.

Examples:
  $ latchkey migrate --config latchkey.config.yaml
  $ latchkey migrate --config latchkey.config.yaml --check
`,
    )
    .action(async (options: { readonly config?: string; readonly check?: boolean; readonly json?: boolean }) => {
      const { loadSettings, migrateDatabase, pendingMigrations, storageConfig } = await import('@latchkey/server')
      const flags = givenFlags(command)
      const { values } = loadSettings({ flags, environment: process.env, file: options.config })
      const storage = storageConfig(values)
      const isCheck = options.check === true
      const names = await (isCheck ? pendingMigrations(storage) : migrateDatabase(storage))
      const answer = isCheck ? { pending: names } : { migrated: names }
      process.stdout.write(options.json === true ? `${JSON.stringify(answer)}\n` : sayWhat(names, isCheck))
      if (isCheck && names.length > 0) throw new UnfavourableAnswer()
    })
}

function sayWhat(names: readonly string[], isCheck: boolean): string {
  if (names.length === 0) return 'The database is up to date.\n'
  return `${isCheck ? 'To be done' : 'Done'}: ${names.join(', ')}\n`
}
