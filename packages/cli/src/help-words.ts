import type { Command } from 'commander'

/** `help [noun [verb]]` as what it stands for: `[noun [verb]] --help`. */
export function spellOutHelp(args: readonly string[]): readonly string[] {
  const first = args.findIndex((argument) => !argument.startsWith('-'))
  return first !== -1 && args[first] === 'help' ? [...args.toSpliced(first, 1), '--help'] : args
}

/** Without `--help` where a word names no command: commander would show the help above it, as if nothing were wrong. */
export function withoutHelpOnNothing(program: Command, args: readonly string[]): readonly string[] {
  let command = program
  for (const word of args) {
    if (word === '--' || command.commands.length === 0) break
    if (word.startsWith('-')) continue
    const next = command.commands.find((each) => each.name() === word || each.aliases().includes(word))
    if (next === undefined) return args.filter((argument) => argument !== '--help' && argument !== '-h')
    command = next
  }
  return args
}
