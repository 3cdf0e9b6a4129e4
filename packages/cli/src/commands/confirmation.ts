import { Option } from 'commander'
import { misuse } from '../failure.ts'

export interface ConfirmationOptions {
  readonly yes?: boolean
}

export function yesOption(): Option {
  return new Option('--yes', 'do it: there is no way back')
}

/** Nothing prompts, so that scripts and people meet the same command. */
export function requireYes(options: ConfirmationOptions, what: string): void {
  if (options.yes !== true) throw misuse(`${what} cannot be undone`, 'repeat the command with --yes')
}
