import { existsSync } from 'node:fs'
import path from 'node:path'
import { startConfigurationsApi, type RunningConfigurationsApi } from '@latchkey/example-configurations-api'
import {
  createLogger,
  describeError,
  developmentConfig,
  Fault,
  loadSettings,
  resetDevelopmentDirectory,
  startServer,
  systemClock,
  systemRandom,
  type Config,
  type SettingKey,
} from '@latchkey/server'
import { version } from '../version.ts'
import { exampleAudience, prepareDemo } from './demo.ts'
import { welcome, welcomeJson } from './welcome.ts'

export interface DevOptions {
  readonly flags: Readonly<Partial<Record<SettingKey, string>>>
  readonly configFile: string | undefined
  readonly reset: boolean
  readonly json: boolean
}

/**
 * `latchkey dev`: the server, the example API and a demo client, until SIGINT or SIGTERM. Throws a Fault when something is not as it must be;
 * then nothing is left running.
 */
export async function runDev(options: DevOptions): Promise<void> {
  // From the first moment on: a signal during the start stops it when it is done, instead of cutting it off.
  const stopped = firstSignal()
  const { values, warnings } = loadSettings({
    flags: options.flags,
    environment: process.env,
    file: options.configFile,
  })
  const config = developmentConfig({ log_level: 'warn', ...values })
  const logger = createLogger(config.logLevel)
  for (const warning of warnings) logger.warn(warning)
  if (options.reset) resetDevelopmentDirectory(config.dataDirectory)

  await using stack = new AsyncDisposableStack()
  const surroundings = { clock: systemClock, random: systemRandom(), logger, version }
  const server = stack.adopt(await startServer(config, surroundings), (running) => running.stop())
  const demo = await prepareDemo(server, config.dataDirectory)
  const api = stack.adopt(await startExample(config, server.issuer), (running) => running.close())
  const about = {
    version,
    issuer: server.issuer,
    tokenEndpoint: server.tokenEndpoint,
    adminUrl: server.adminUrl,
    apiUrl: api.url,
    dataDirectory: showPath(config.dataDirectory),
    demo,
    adminSocket: server.adminSocket,
    consoleUrl: config.consoleUrl ?? server.adminUrl.replace('127.0.0.1', 'localhost'),
  }
  process.stdout.write(options.json ? `${welcomeJson(about)}\n` : welcome(about))
  await stopped
  if (!options.json) process.stdout.write('\nStopping: requests under way are finished first.\n')
}

/** Resolves at the first signal that asks to stop. Later ones are ignored while the server drains: npm passes every signal on a second time. */
function firstSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve())
  })
}

async function startExample(config: Config, issuer: string): Promise<RunningConfigurationsApi> {
  try {
    return await startConfigurationsApi({
      host: config.host,
      port: config.apiPort,
      databasePath: path.join(config.dataDirectory, 'configurations.db'),
      issuer,
      audience: exampleAudience,
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
      throw new Fault(
        'listener.port_in_use',
        `port ${config.apiPort} on ${config.host} is in use (example API)`,
        'stop what uses it, or choose another with --api-port or LATCHKEY_API_PORT',
        { cause: error },
      )
    }
    throw new Fault(
      'listener.cannot_bind',
      `the example API cannot start: ${describeError(error)}`,
      'see the message',
      {
        cause: error,
      },
    )
  }
}

function showPath(directory: string): string {
  const relative = path.relative(process.cwd(), directory)
  return relative !== '' && !relative.startsWith('..') && existsSync(relative) ? relative : directory
}
