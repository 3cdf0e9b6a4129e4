import { Command } from 'commander'

/** Settings that `dev` takes as flags, with what `--help` says of them. `settings.ts` of the server is their definition; a test compares both. */
const flags = [
  ['--port <port>', 'public listener (8400; 0 for any free one)'],
  ['--admin-port <port>', 'admin listener (8401)'],
  ['--api-port <port>', 'example API (8402)'],
  ['--host <address>', 'loopback address of the public listener (127.0.0.1)'],
  ['--admin-host <address>', 'loopback address of the admin listener (127.0.0.1)'],
  ['--issuer <url>', 'public URL (http://127.0.0.1:<port>)'],
  ['--environment <name>', 'stands in every client secret (dev)'],
  ['--data-dir <directory>', 'where everything is kept (.latchkey)'],
  ['--database-url <url>', 'sqlite:<path> (a file in the data directory)'],
  ['--master-key-file <file>', 'holds the master key (made in a new data directory)'],
  ['--trusted-proxies <cidrs>', 'proxies whose X-Forwarded-For is believed'],
  ['--audit-sync <when>', 'interval or answer: when the audit log is synced to disk (interval)'],
  ['--log-level <level>', 'trace, debug, info, warn, error or silent (warn)'],
  ['--admin-socket <path>', 'unix socket for administration'],
  ['--console-url <url>', 'where people reach the admin listener'],
] as const

/** `latchkey dev`: a whole provider on this machine, for trying and developing. */
export function devCommand(): Command {
  const command = new Command('dev')
    .description('run a server for development, with an example API and a demo client')
    .option('--config <file>', 'settings from a YAML file; flags and LATCHKEY_* variables go before it')
    .option('--reset', 'begin anew: removes all that an earlier `dev` kept in the data directory')
    .option('--json', 'when ready, print one line of JSON')
  for (const [flag, description] of flags) command.option(flag, description)
  command.addHelpText(
    'after',
    `
Examples:
  latchkey dev                          everything on its usual port
  latchkey dev --port 0 --admin-port 0 --api-port 0 --json
  latchkey dev --reset                  forget everything and begin anew
`,
  )
  return command.action(async (options: Record<string, string | boolean | undefined>) => {
    const { config, reset, json, ...rest } = options
    // Loaded here, not above: no other command should wait for the server to load.
    const { runDev } = await import('../dev/run-dev.ts')
    await runDev({
      flags: Object.fromEntries(
        Object.entries(rest).flatMap(([name, value]) =>
          typeof value === 'string' ? [[toSettingKey(name), value]] : [],
        ),
      ),
      configFile: typeof config === 'string' ? config : undefined,
      reset: reset === true,
      json: json === true,
    })
  })
}

/** `adminPort` → `admin_port`. */
function toSettingKey(optionName: string): string {
  return optionName.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
