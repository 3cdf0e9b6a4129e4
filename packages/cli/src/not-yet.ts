import { Command } from 'commander'
import { Failure } from './failure.ts'

const commandsNotYet = new WeakSet<Command>()

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
