import { Command } from 'commander'
import { addSettings, givenFlags } from '../settings/setting-options.ts'

/** `latchkey dev`: a whole provider on this machine, for trying and developing. */
export function devCommand(): Command {
  const command = new Command('dev').description('run a server for development, with an example API and a demo client')
  addSettings(command, 'dev')
  return command
    .option('--reset', 'begin anew: removes all that an earlier `dev` kept in the data directory')
    .option('--json', 'when ready, print one line of JSON')
    .addHelpText(
      'after',
      `
It listens on loopback addresses only.

Examples:
  $ latchkey dev                          everything on its usual port
  $ latchkey dev --port 0 --admin-port 0 --api-port 0 --json
  $ latchkey dev --reset                  forget everything and begin anew
`,
    )
    .action(async (options: { readonly config?: string; readonly reset?: boolean; readonly json?: boolean }) => {
      // Loaded here, not above: help should not wait for the server to load.
      const { runDev } = await import('../dev/run-dev.ts')
      await runDev({
        flags: givenFlags(command),
        configFile: options.config,
        reset: options.reset === true,
        json: options.json === true,
      })
    })
}
