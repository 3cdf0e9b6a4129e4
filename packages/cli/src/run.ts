import type { Command } from 'commander'
import { spellOutHelp, withoutHelpOnNothing } from './help-words.ts'
import { failureText, toFailure } from './output/report-failure.ts'
import { createProgram } from './program.ts'

/**
 * Runs one command line (without node and script) and answers the exit code: 0 done, 1 refused, 2 misused. Answers go to standard
 * output, errors to standard error; with `--json` as `{"error","message","hint"}`.
 */
export async function run(commandLine: readonly string[]): Promise<number> {
  const args = spellOutHelp(commandLine)
  const program = await createProgram(args)
  const isJson = asksForJson(args)
  const reached = trackCommand(program)
  // Help that nobody asked for would not be JSON.
  if (isJson) silence(program)
  try {
    await program.parseAsync(withoutHelpOnNothing(program, args), { from: 'user' })
    return 0
  } catch (error) {
    const failure = toFailure(error, reached())
    if (typeof failure === 'number') return failure
    process.stderr.write(failureText(failure, isJson))
    return failure.exitCode
  }
}

/** Asked before anything is parsed: a command line that does not parse has to be answered as well. */
function asksForJson(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  return args.slice(0, end === -1 ? args.length : end).includes('--json')
}

/** The name of the innermost command that was reached, for example `latchkey client create`. */
function trackCommand(program: Command): () => string {
  let reached = program.name()
  const follow = (command: Command, name: string): void => {
    for (const each of command.commands) follow(each, `${name} ${each.name()}`)
    command.hook('preSubcommand', (_command, next) => {
      reached = `${name} ${next.name()}`
    })
  }
  follow(program, reached)
  return () => reached
}

function silence(command: Command): void {
  command.configureOutput({ writeErr: () => undefined })
  for (const each of command.commands) silence(each)
}
