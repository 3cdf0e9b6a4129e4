import { Command } from 'commander'
import { doctorCommand } from './commands/doctor.ts'
import { commandNotYet, isNotYet } from './not-yet.ts'
import { version } from './version.ts'

interface Noun {
  readonly name: string
  readonly alias?: string
  readonly summary: string
  /** Its verbs, loaded only when the command line names it: all of them together take longer to load than a command to run. */
  readonly verbs: () => Promise<readonly Command[]>
}

/** Every noun there is, in the order of the help. */
const nouns: readonly Noun[] = [
  {
    name: 'resource-server',
    alias: 'api',
    summary: 'APIs and the scopes that they offer',
    verbs: async () => (await import('./commands/resource-server/index.ts')).resourceServerVerbs(),
  },
  {
    name: 'client',
    summary: 'programs that call APIs, and what they are granted',
    verbs: async () => (await import('./commands/client/index.ts')).clientVerbs(),
  },
  {
    name: 'secret',
    summary: 'what clients authenticate with',
    verbs: async () => (await import('./commands/secret/index.ts')).secretVerbs(),
  },
  {
    name: 'request',
    summary: 'what partners ask for, and what the team decides',
    verbs: async () => (await import('./commands/request/index.ts')).requestVerbs(),
  },
  {
    name: 'link',
    summary: 'links that deliver a credential to its owner, once',
    verbs: async () => (await import('./commands/link/index.ts')).linkVerbs(),
  },
  {
    name: 'cert',
    summary: 'certificates of clients',
    verbs: async () => (await import('./commands/cert/index.ts')).certVerbs(),
  },
  {
    name: 'ca',
    summary: 'the authority of clients’ certificates',
    verbs: async () => (await import('./commands/ca/index.ts')).caVerbs(),
  },
  {
    name: 'token',
    summary: 'access tokens',
    verbs: async () => (await import('./commands/token/index.ts')).tokenVerbs(),
  },
  {
    name: 'key',
    summary: 'keys that sign tokens',
    verbs: async () => (await import('./commands/key/index.ts')).keyVerbs(),
  },
  {
    name: 'master-key',
    summary: 'the key that everything secret in the database is sealed under',
    verbs: async () => (await import('./commands/master-key/index.ts')).masterKeyVerbs(),
  },
  {
    name: 'import',
    summary: 'files that apply takes, from exports of other servers',
    verbs: async () => (await import('./commands/import/index.ts')).importVerbs(),
  },
  {
    name: 'audit',
    summary: 'what was done and decided, by whom',
    verbs: async () => (await import('./commands/audit/index.ts')).auditVerbs(),
  },
]

interface LoneCommand {
  readonly name: string
  readonly summary: string
  /** The command itself, loaded only when the command line names it. */
  readonly load: () => Promise<Command>
}

/** Commands that run a server or prepare for one, in the order of the help. */
const serverCommands: readonly LoneCommand[] = [
  {
    name: 'dev',
    summary: 'run a server for development, with an example API and a demo client',
    load: async () => (await import('./commands/dev.ts')).devCommand(),
  },
  {
    name: 'init',
    summary: 'make what a server for production needs: master key, data directory, configuration',
    load: async () => (await import('./commands/init.ts')).initCommand(),
  },
  {
    name: 'serve',
    summary: 'run a server for production',
    load: async () => (await import('./commands/serve.ts')).serveCommand(),
  },
  {
    name: 'gate',
    summary: 'answer a proxy whether a call to an API may pass',
    load: async () => (await import('./commands/gate.ts')).gateCommand(),
  },
  {
    name: 'migrate',
    summary: 'bring the database up to date with this version',
    load: async () => (await import('./commands/migrate.ts')).migrateCommand(),
  },
  {
    name: 'restore',
    summary: 'put a backup in place of the database of a server that is stopped',
    load: async () => (await import('./commands/restore.ts')).restoreCommand(),
  },
]

/** Commands that are no noun's verb, in the order of the help. */
const loneCommands: readonly LoneCommand[] = [
  {
    name: 'backup',
    summary: 'write everything in the database to a file, while the server runs',
    load: async () => (await import('./commands/backup.ts')).backupCommand(),
  },
  {
    name: 'apply',
    summary: 'make resource servers and clients what a file says',
    load: async () => (await import('./commands/apply/index.ts')).applyCommand(),
  },
  {
    name: 'export',
    summary: 'print resource servers and clients as a file that apply takes',
    load: async () => (await import('./commands/export.ts')).exportCommand(),
  },
  {
    name: 'completion',
    summary: 'print a script that completes command lines',
    load: async () =>
      (await import('./commands/completion/index.ts')).completionCommand(() => createProgram([], 'whole')),
  },
]

/** Commands of later versions: known, so that they are refused by name. */
const commandsNotYet = ['console']

/** `latchkey`, ready to parse `args`: with what they name, or with all that there is. It never ends the process and writes no error: what is wrong is thrown. */
export async function createProgram(args: readonly string[], extent: 'named' | 'whole' = 'named'): Promise<Command> {
  const program = new Command('latchkey')
    .description('OAuth 2.0 authorization server for machines')
    .version(version, '-v, --version', 'print the version')
    .addHelpText('after', `\nNot in this version yet: ${commandsNotYet.join(', ')}.`)
  // The program's own options take no values, so the first word names the command.
  const named = args.find((argument) => !argument.startsWith('-'))
  const isWanted = (name: string, alias?: string) => extent === 'whole' || named === name || named === (alias ?? name)
  const loadLone = async ({ name, summary, load }: LoneCommand) =>
    isWanted(name) ? load() : new Command(name).description(summary)
  for (const each of serverCommands) program.addCommand(await loadLone(each))
  for (const noun of nouns) program.addCommand(await createNoun(noun, isWanted(noun.name, noun.alias)))
  for (const each of loneCommands) program.addCommand(await loadLone(each))
  program.addCommand(doctorCommand())
  for (const name of commandsNotYet) program.addCommand(commandNotYet(name), { hidden: true })
  settle(program)
  return program
}

async function createNoun({ name, alias, summary, verbs }: Noun, isWanted: boolean): Promise<Command> {
  const command = new Command(name).description(summary)
  if (alias !== undefined) command.alias(alias)
  if (!isWanted) return command
  for (const verb of await verbs()) {
    command.addCommand(verb, { hidden: isNotYet(verb) })
  }
  return command
}

/** Settings that a command added whole does not inherit. */
function settle(command: Command): void {
  command
    .exitOverride()
    .helpCommand(false)
    .configureOutput({ outputError: () => undefined })
  for (const each of command.commands) settle(each)
}
