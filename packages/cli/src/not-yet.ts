import { Command, Option } from 'commander'
import { Failure } from './failure.ts'

const optionsNotYet = new WeakSet<Option>()
const commandsNotYet = new WeakSet<Command>()

/** An option of a later version: known, so that it is refused by name, and not shown in the help. */
export function optionNotYet(flags: string): Option {
  const option = new Option(flags, 'not in this version yet').hideHelp()
  optionsNotYet.add(option)
  return option
}

/** Fails with `not_yet` when one was given: an option is never accepted and ignored. */
export function refuseOptionsNotYet(command: Command): void {
  for (const option of command.options) {
    if (optionsNotYet.has(option) && command.getOptionValueSource(option.attributeName()) !== undefined) {
      throw notYet(option.long ?? option.flags)
    }
  }
}

/** A command of a later version, with whatever may follow it. */
export function commandNotYet(name: string): Command {
  const command = new Command(name)
    .description('not in this version yet')
    .argument('[anything...]')
    .allowUnknownOption()
    .allowExcessArguments()
    .helpOption(false)
    .action(() => {
      const parent = command.parent
      const noun = parent?.parent ? `${parent.name()} ` : ''
      throw notYet(`latchkey ${noun}${name}`)
    })
  commandsNotYet.add(command)
  return command
}

export function isNotYet(command: Command): boolean {
  return commandsNotYet.has(command)
}

export function notYet(what: string): Failure {
  return new Failure(2, 'not_yet', `this version does not have ${what} yet`, '`latchkey --help` shows what it has')
}
