import { Command } from 'commander'
import { addSettings, givenFlags } from '../settings/setting-options.ts'

/** `latchkey serve`: a server for production. */
export function serveCommand(): Command {
  const command = new Command('serve').description('run a server for production')
  addSettings(command, 'serve')
  return command
    .option('--json', 'when ready, print one line of JSON')
    .addHelpText(
      'after',
      `
It refuses what would be unsafe, and says what to do. SIGTERM and SIGINT stop it without a failed request: it says at /readyz that it is not ready,
serves for the drain delay, finishes what is under way, and ends with 0. SIGHUP reads the TLS certificate again; a changed file is noticed, too.

Examples:
  $ latchkey init --issuer https://login.example.com      make what it needs
  $ latchkey serve --config latchkey.config.yaml
  $ latchkey serve --config latchkey.config.yaml --host 0.0.0.0 --tls-cert chain.pem --tls-key key.pem
  $ latchkey serve --config latchkey.config.yaml --host 0.0.0.0 --trusted-proxies 10.0.0.0/8
`,
    )
    .action(async (options: { readonly config?: string; readonly json?: boolean }) => {
      // Loaded here, not above: help should not wait for the server to load.
      const { runServe } = await import('../serve/run-serve.ts')
      await runServe({ flags: givenFlags(command), configFile: options.config, json: options.json === true })
    })
}
