import { existsSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { startConfigurationsApi, type RunningConfigurationsApi } from '@latchkey/example-configurations-api'
import { signingAlgorithms } from '@latchkey/protocol'
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
import { firstSignal } from '../serve/first-signal.ts'
import { version } from '../version.ts'
import { prepareDemo, type Demo } from './demo.ts'
import { prepareMtlsDemo } from './mtls-demo.ts'
import { prepareSampleRequest } from './sample-request.ts'
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
    mode: 'dev',
  })
  const config = developmentConfig(values)
  const logger = createLogger(config.logLevel)
  for (const warning of warnings) logger.warn(warning)
  if (options.reset) {
    refuseDatabaseElsewhere(config)
    resetDevelopmentDirectory(config.dataDirectory)
  }

  await using stack = new AsyncDisposableStack()
  const surroundings = {
    clock: systemClock,
    random: systemRandom(),
    logger,
    version,
    // Beside the answer of --json, which is one line on standard output.
    announce: (line: string) => void process.stderr.write(`${line}\n`),
  }
  const server = stack.adopt(await startServer(config, surroundings), (running) => running.stop())
  const demo = await prepareDemo(server, config.dataDirectory)
  const mtls = await prepareMtlsDemo(server, config, showPath)
  const sampleRequest = await prepareSampleRequest(server)
  const api = stack.adopt(await startExample(config, server.issuer, demo), (running) => running.close())
  const about = {
    version,
    issuer: server.issuer,
    tokenEndpoint: server.tokenEndpoint,
    mtls,
    adminUrl: server.adminUrl,
    apiUrl: api.url,
    dataDirectory: showPath(config.dataDirectory),
    demo,
    sampleRequest,
    adminSocket: server.adminSocket,
    consoleUrl: config.consoleUrl ?? server.adminUrl.replace('127.0.0.1', 'localhost'),
  }
  process.stdout.write(options.json ? `${welcomeJson(about)}\n` : welcome(about))
  await stopped
  if (!options.json) process.stdout.write('\nStopping: requests under way are finished first.\n')
  // Both at once: each may take its whole time.
  await Promise.all([api.close(), server.stop()])
}

/** What lies elsewhere would survive a reset, and its keys could not be opened with the master key that is made anew. */
function refuseDatabaseElsewhere({ dataDirectory, database }: Config): void {
  const databasePath = database.kind === 'sqlite' ? database.path : 'on another server'
  const relative = path.relative(dataDirectory, databasePath)
  if (relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative)) return
  throw new Fault(
    'config.invalid',
    `--reset removes what is in ${dataDirectory}, and the database ${databasePath} is not`,
    `remove ${databasePath} yourself, or leave out --database-url`,
  )
}

async function startExample(config: Config, issuer: string, { audience }: Demo): Promise<RunningConfigurationsApi> {
  const { host } = config
  try {
    // Known beforehand: its challenges name the URL of its metadata.
    const port = config.apiPort === 0 ? await freePort(host) : config.apiPort
    return await startConfigurationsApi({
      host,
      port,
      databasePath: path.join(config.dataDirectory, 'configurations.db'),
      issuer,
      audience,
      // Whatever --signing-algorithm says now or said before: keys of both are in use for a while.
      algorithms: signingAlgorithms,
      publicUrl: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
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

/** A port that was free a moment ago. */
function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, host, () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

function showPath(directory: string): string {
  const relative = path.relative(process.cwd(), directory)
  return relative !== '' && !relative.startsWith('..') && existsSync(relative) ? relative : directory
}
