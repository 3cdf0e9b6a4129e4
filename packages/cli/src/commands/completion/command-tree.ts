import type { Command } from 'commander'

/** One word that may come next. */
export interface Candidate {
  readonly word: string
  readonly summary: string
}

/** A command as far as completing it goes. */
export interface CommandNode {
  /** The words that lead to it, without the program's name: `client create`; empty for the program itself. */
  readonly path: string
  readonly candidates: readonly Candidate[]
  /** Options whose next word is a value: nothing of ours completes it, but files may. */
  readonly takingValues: readonly string[]
}

/** Every command that there is, under each of its names, parents first. Hidden commands and options are left out. */
export function commandTree(program: Command): CommandNode[] {
  return nodesOf(program, [''])
}

function nodesOf(command: Command, paths: readonly string[]): CommandNode[] {
  const help = command.createHelp()
  const commands = help.visibleCommands(command)
  const options = help.visibleOptions(command)
  const candidates = [
    ...commands.map((each) => ({ word: each.name(), summary: each.description() })),
    ...command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices.map((word) => ({ word, summary: '' }))),
    ...options.map((option) => ({ word: option.long ?? option.short ?? '', summary: option.description })),
  ].map(({ word, summary }) => ({ word, summary: (summary.split('\n')[0] ?? '').trim() }))
  const takingValues = options.flatMap(({ required, long, short }) =>
    required ? [long, short].filter((flag) => flag !== undefined) : [],
  )
  const own = paths.map((path) => ({ path, candidates, takingValues }))
  const below = commands.flatMap((each) => {
    const names = [each.name(), ...each.aliases()]
    return nodesOf(
      each,
      paths.flatMap((path) => names.map((name) => (path === '' ? name : `${path} ${name}`))),
    )
  })
  return [...own, ...below]
}
