import type { AdminClient } from '@latchkey/admin-contract'
import { Command, type Option } from 'commander'
import { checkSocket, locateSocket, type Surroundings } from './admin/locate-socket.ts'
import { refuseOptionsNotYet, optionNotYet } from './not-yet.ts'
import { printableJson } from './output/printable.ts'

/** Options that every verb has. */
interface SharedOptions {
  readonly json?: boolean
  readonly dataDir?: string
}

/** One call of a verb: what was given, and what it may use. */
interface Call<Options> {
  readonly args: readonly string[]
  readonly options: Options & SharedOptions
  /** Connects to the server of this machine. Loaded only now: a command that is misused fails before. */
  readonly admin: () => Promise<AdminClient>
  /** Prints the answer to standard output: as it is with `--json`, laid out otherwise. */
  readonly print: (answer: object, layOut: () => string) => void
}

export interface VerbDescription<Options> {
  /** As commander wants it: `create <NAME>`. */
  readonly usage: string
  readonly summary: string
  /** Whole command lines, without the prompt. */
  readonly examples: readonly string[]
  /** Further lines of help. */
  readonly notes?: string
  readonly options?: readonly Option[]
  readonly run: (call: Call<Options>) => Promise<void>
}

/** A verb: a command with the shared options, examples in its help, and nothing accepted that it would ignore. */
export function verb<Options = object>(description: VerbDescription<Options>): Command {
  const { usage, summary, examples, notes, options = [], run } = description
  const [name = '', ...parameters] = usage.split(' ')
  const command = new Command(name).description(summary)
  for (const parameter of parameters) command.argument(parameter)
  for (const option of options) command.addOption(option)
  command
    .option('--json', 'print one line of JSON, errors on standard error likewise')
    .option(
      '--data-dir <DIR>',
      'data directory of the server (otherwise by LATCHKEY_ADMIN_SOCKET, LATCHKEY_DATA_DIR, or the nearest .latchkey)',
    )
    .addOption(optionNotYet('--server <URL>'))
    .addHelpText(
      'after',
      `${notes === undefined ? '' : `\n${notes}\n`}\nExamples:\n${examples.map((line) => `  $ ${line}`).join('\n')}`,
    )
    .action(async () => {
      refuseOptionsNotYet(command)
      await run(callOf<Options>(command))
    })
  return command
}

/** The process around a command. */
export function surroundings(): Surroundings {
  return { environment: process.env, workingDirectory: process.cwd() }
}

function callOf<Options>(command: Command): Call<Options> {
  const options = command.opts<Options & SharedOptions>()
  return {
    args: command.processedArgs as string[],
    options,
    async admin() {
      const { socket } = locateSocket(options.dataDir, surroundings())
      checkSocket(socket)
      const { createAdminClient } = await import('./admin/admin-client.ts')
      return createAdminClient(socket)
    },
    print(answer, layOut) {
      process.stdout.write(options.json === true ? `${printableJson(answer)}\n` : layOut())
    },
  }
}
