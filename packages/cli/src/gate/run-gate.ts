import { mkdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { GuardConfigurationError, startGate, type GateOptions, type RunningGate } from '@latchkey/guard/gate'
import { Failure } from '../failure.ts'
import { firstSignal } from '../serve/first-signal.ts'
import { loadGateSettings, splitList, type GateSettingSources, type GateSettingValues } from './gate-settings.ts'

/** `latchkey gate`: answers proxies until SIGINT or SIGTERM. Throws a Failure when something is not as it must be; then nothing is left running. */
export async function runGate(sources: GateSettingSources, json: boolean): Promise<void> {
  // From the first moment on: a signal during the start neither kills the process nor is lost.
  const stopped = firstSignal()
  const { values, warnings } = loadGateSettings(sources)
  const write = (line: string): void => void process.stderr.write(`${line}\n`)
  const log = (level: string, msg: string): void =>
    write(JSON.stringify({ level, time: new Date().toISOString(), msg }))
  for (const warning of warnings) log('warn', warning)
  const gate = await start(gateOptions(values, write))
  const { url, adminUrl } = gate
  process.stdout.write(
    json
      ? `${JSON.stringify({ url, admin: adminUrl, issuer: values.issuer, pid: process.pid })}\n`
      : `A gate for ${values.resource_server} of ${values.issuer}\n\n  Asked at  ${url}/check   (by ${values.proxy})\n  Admin     ${adminUrl}   (/healthz, /readyz, /metrics)\n\n`,
  )
  await stopped
  log('info', `stopping: not ready any more, and answering for ${values.drain_delay} seconds`)
  await gate.stop(Number(values.drain_delay) * 1000)
  log('info', 'stopped')
}

async function start(options: GateOptions): Promise<RunningGate> {
  try {
    return await startGate(options)
  } catch (error) {
    if (error instanceof GuardConfigurationError) {
      throw new Failure(2, 'config.invalid', error.message, 'correct the setting', { cause: error })
    }
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new Failure(1, 'listener.cannot_bind', message, 'choose another --port, --admin-port or --host', {
      cause: error,
    })
  }
}

function gateOptions(values: GateSettingValues, write: GateOptions['write']): GateOptions {
  const text = (key: keyof GateSettingValues): string => values[key] ?? ''
  return {
    issuer: text('issuer'),
    audience: text('audience'),
    resourceServer: text('resource_server'),
    credential: { clientId: text('client_id'), clientSecret: secretOf(values) },
    algorithms: splitList(text('algorithms')) as GateOptions['algorithms'],
    proxy: text('proxy') as GateOptions['proxy'],
    proxyNetworks: splitList(text('proxy_networks')),
    host: text('host'),
    port: Number(values.port),
    adminHost: text('admin_host'),
    adminPort: Number(values.admin_port),
    stateFile: path.join(openDataDirectory(text('data_dir')), 'gate.json'),
    maxStalenessSeconds: Number(values.max_staleness),
    maxRememberedTokens: Number(values.remembered_tokens),
    write,
  }
}

/** A file is read each time that the secret is needed, so that it can be rotated under a running gate. */
function secretOf({
  client_secret: secret,
  client_secret_file: file,
}: GateSettingValues): string | (() => Promise<string>) {
  if (secret !== undefined && file === undefined) return secret
  if (secret === undefined && file !== undefined) return async () => (await readFile(file, 'utf8')).trim()
  throw new Failure(
    2,
    'config.invalid',
    secret === undefined ? 'there is no client secret' : 'there are two client secrets',
    'give --client-secret-file, or LATCHKEY_GATE_CLIENT_SECRET; a secret has no flag',
  )
}

function openDataDirectory(directory: string): string {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    return path.resolve(directory)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Failure(2, 'data_directory.unusable', `cannot make ${directory}: ${code}`, 'choose another --data-dir', {
      cause: error,
    })
  }
}
