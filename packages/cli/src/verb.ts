import type { Readable } from 'node:stream'
import type { AdminClient, AdminRoute } from '@latchkey/admin-contract'
import { Command, type Option } from 'commander'
import { connect } from './admin/connect.ts'
import type { Connection } from './admin/connection.ts'
import type { Surroundings } from './admin/locate-socket.ts'
import { printableJson } from './output/printable.ts'

/** Options that every verb has. */
interface SharedOptions {
  readonly json?: boolean
  readonly dataDir?: string
  readonly server?: string
}

/** One call of a verb: what was given, and what it may use. */
interface Call<Options> {
  readonly args: readonly string[]
  readonly options: Options & SharedOptions
  /** Connects to the server that is meant. Loaded only now: a command that is misused fails before. */
  readonly admin: () => Promise<AdminClient>
  /** Opens what is a stream and no JSON. */
  readonly download: (route: Pick<AdminRoute, 'path' | 'scope'>) => Promise<Readable>
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
  /** It asks no server, so that it takes no option that names one. */
  readonly offline?: true
  readonly run: (call: Call<Options>) => Promise<void>
}

/** A verb: a command with the shared options, examples in its help, and nothing accepted that it would ignore. */
export function verb<Options = object>(description: VerbDescription<Options>): Command {
  const { usage, summary, examples, notes, options = [], offline, run } = description
  const [name = '', ...parameters] = usage.split(' ')
  const command = new Command(name).description(summary)
  for (const parameter of parameters) command.argument(parameter)
  for (const option of options) command.addOption(option)
  command.option('--json', 'print one line of JSON, errors on standard error likewise')
  if (offline === undefined) addServerOptions(command)
  command
    .addHelpText(
      'after',
      `${notes === undefined ? '' : `\n${notes}\n`}\nExamples:\n${examples.map((line) => `  $ ${line}`).join('\n')}`,
    )
    .action(async () => {
      await run(callOf<Options>(command))
    })
  return command
}

function addServerOptions(command: Command): void {
  command
    .option(
      '--data-dir <DIR>',
      'data directory of the server (otherwise by LATCHKEY_ADMIN_SOCKET, LATCHKEY_DATA_DIR, or the nearest .latchkey)',
    )
    .option(
      '--server <URL>',
      'admin listener of a server elsewhere (with LATCHKEY_CLIENT_ID and LATCHKEY_CLIENT_SECRET or LATCHKEY_CLIENT_SECRET_FILE)',
    )
}

/** The process around a command. */
export function surroundings(): Surroundings {
  return { environment: process.env, workingDirectory: process.cwd() }
}

function callOf<Options>(command: Command): Call<Options> {
  const options = command.opts<Options & SharedOptions>()
  const connection = (): Promise<Connection> => connect(options, surroundings())
  return {
    args: command.processedArgs as string[],
    options,
    async admin() {
      const { createAdminClient } = await import('./admin/admin-client.ts')
      return createAdminClient(await connection())
    },
    async download({ path, scope }) {
      const { openDownload } = await import('./admin/download.ts')
      return openDownload(await connection(), path, scope)
    },
    print(answer, layOut) {
      process.stdout.write(options.json === true ? `${printableJson(answer)}\n` : layOut())
    },
  }
}
