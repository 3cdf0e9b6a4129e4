import { Command } from 'commander'
import { devCommand } from './commands/dev.ts'
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
    name: 'audit',
    summary: 'what was done and decided, by whom',
    verbs: async () => (await import('./commands/audit/index.ts')).auditVerbs(),
  },
]

/** Commands of later versions: known, so that they are refused by name. */
const commandsNotYet = [
  'init',
  'serve',
  'migrate',
  'backup',
  'restore',
  'master-key',
  'console',
  'completion',
  'request',
  'link',
  'cert',
  'apply',
  'export',
]

/** `latchkey`, ready to parse `args`. It never ends the process and writes no error: what is wrong is thrown. */
export async function createProgram(args: readonly string[]): Promise<Command> {
  const program = new Command('latchkey')
    .description('OAuth 2.0 authorization server for machines')
    .version(version, '-v, --version', 'print the version')
    .addHelpText('after', `\nNot in this version yet: ${commandsNotYet.join(', ')}.`)
    .addCommand(devCommand())
  // The program's own options take no values, so the first word names the command.
  const named = args.find((argument) => !argument.startsWith('-'))
  for (const noun of nouns) program.addCommand(await createNoun(noun, named))
  program.addCommand(doctorCommand())
  for (const name of commandsNotYet) program.addCommand(commandNotYet(name), { hidden: true })
  settle(program)
  return program
}

async function createNoun({ name, alias, summary, verbs }: Noun, named: string | undefined): Promise<Command> {
  const command = new Command(name).description(summary)
  if (alias !== undefined) command.alias(alias)
  if (named === undefined || (named !== name && named !== alias)) return command
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
