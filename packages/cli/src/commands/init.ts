import { Command } from 'commander'
import { printableJson } from '../output/printable.ts'
import { addSettings, givenFlags } from '../settings/setting-options.ts'

/** `latchkey init`: everything that `latchkey serve` needs, made once. */
export function initCommand(): Command {
  const command = new Command('init').description(
    'make what a server for production needs: master key, data directory, configuration',
  )
  addSettings(command, 'serve')
  for (const option of command.options) {
    // The same flags as those of `serve`, but here they are written down.
    if (option.long === '--config') option.description = 'where the configuration is written (latchkey.config.yaml)'
    if (option.long === '--data-dir')
      option.description = 'where everything is kept (latchkey-data beside the configuration)'
    if (option.long === '--master-key-file') {
      option.description =
        'where the master key is made; one that is there is used (latchkey.master.key beside the configuration)'
    }
  }
  return command
    .option('--json', 'print one line of JSON, errors on standard error likewise')
    .addHelpText(
      'after',
      `
Every setting of \`serve\` that is given is written into the configuration. Nothing is ever overwritten.

Examples:
  $ latchkey init --issuer https://login.example.com
  $ latchkey init --config /etc/latchkey/latchkey.config.yaml --data-dir /var/lib/latchkey --issuer https://login.example.com
  $ latchkey init --issuer https://login.example.com --database-url postgres://latchkey@db.example.com/latchkey
`,
    )
    .action(async (options: { readonly config?: string; readonly json?: boolean }) => {
      const [{ runInit }, { nextSteps }] = await Promise.all([
        import('../init/run-init.ts'),
        import('../init/next-steps.ts'),
      ])
      const made = runInit({ flags: givenFlags(command), configFile: options.config })
      const { configFile, dataDirectory, masterKeyFile, issuer } = made
      const answer = { config: configFile, data_dir: dataDirectory, master_key_file: masterKeyFile, issuer }
      process.stdout.write(options.json === true ? `${printableJson(answer)}\n` : nextSteps(made))
    })
}
