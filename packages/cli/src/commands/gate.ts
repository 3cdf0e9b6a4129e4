import { Command, Option } from 'commander'
import {
  gateFlagName,
  gateSettingKeys,
  gateSettings,
  type GateSettingKey,
  type GateSettingValues,
} from '../gate/gate-settings.ts'

/** `latchkey gate`: decides for a proxy, near the API, whether a call may pass. */
export function gateCommand(): Command {
  const command = new Command('gate').description('answer a proxy whether a call to an API may pass')
  command.option('--config <file>', 'settings from a YAML file; flags and LATCHKEY_GATE_* variables go before it')
  for (const key of gateSettingKeys) {
    const { value, meaning, default: otherwise } = gateSettings[key]
    if (value === undefined) continue
    const about = otherwise === undefined ? meaning : `${meaning} (${otherwise})`
    command.addOption(new Option(`${gateFlagName(key)} <${value}>`, about))
  }
  return command
    .option('--json', 'when listening, print one line of JSON')
    .addHelpText(
      'after',
      `
It needs no database: keys, revocations and endpoint rules are fetched from the authorization server, and kept for its outage. Until they are known, and
whenever it does not answer, the proxy refuses. SIGTERM and SIGINT stop it: it says at /readyz that it is not ready, answers for the drain delay, and ends with 0.

Examples:
  $ latchkey resource-server credential configurations          what it asks the authorization server with
  $ latchkey gate --config gate.yaml
  $ latchkey gate --issuer https://login.example.com --audience https://api.example.com --resource-server configurations \\
      --client-id … --client-secret-file /etc/latchkey/gate.secret --proxy nginx --data-dir /var/lib/latchkey-gate
`,
    )
    .action(async (options: { readonly config?: string; readonly json?: boolean }) => {
      const { runGate } = await import('../gate/run-gate.ts')
      const sources = { flags: givenFlags(command), environment: process.env, file: options.config }
      await runGate(sources, options.json === true)
    })
}

function givenFlags(command: Command): GateSettingValues {
  const given: Partial<Record<GateSettingKey, string>> = {}
  const options = command.opts<Readonly<Record<string, string | undefined>>>()
  for (const key of gateSettingKeys) {
    const value = options[key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())]
    if (value !== undefined) given[key] = value
  }
  return given
}
