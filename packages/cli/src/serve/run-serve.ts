import cluster from 'node:cluster'
import {
  createLogger,
  loadSettings,
  productionConfig,
  productionWarnings,
  startServer,
  systemClock,
  systemRandom,
  type SettingKey,
} from '@latchkey/server'
import { version } from '../version.ts'
import { announcement, announcementJson } from './announce.ts'
import { firstSignal } from './first-signal.ts'
import { runWorker } from './run-worker.ts'

export interface ServeOptions {
  readonly flags: Readonly<Partial<Record<SettingKey, string>>>
  readonly configFile: string | undefined
  readonly json: boolean
}

/**
 * `latchkey serve`: the server, until SIGINT or SIGTERM; SIGHUP reads the TLS certificate again. Throws a Fault when something is not as it must
 * be; then nothing is left running.
 */
export async function runServe(options: ServeOptions): Promise<void> {
  if (cluster.isWorker) return runWorker()
  // From the first moment on: a signal during the start neither kills the process nor is lost.
  const stopped = firstSignal()
  let onHangUp = (): void => undefined
  process.on('SIGHUP', () => onHangUp())

  const { flags, configFile: file } = options
  const { values, warnings } = loadSettings({ flags, environment: process.env, file, mode: 'serve' })
  const config = productionConfig(values)
  const logger = createLogger(config.logLevel)
  for (const warning of [...warnings, ...productionWarnings(config)]) logger.warn(warning)

  const server = await startServer(config, { clock: systemClock, random: systemRandom(), logger, version })
  onHangUp = () => {
    logger.info('SIGHUP: reading the TLS certificate again')
    server.reloadCertificate()
  }
  const { issuer, tokenEndpoint, publicUrl, adminUrl, adminSocket } = server
  logger.info({ issuer, public: publicUrl, admin: adminUrl, version, pid: process.pid }, 'serving')
  const about = {
    version,
    issuer,
    tokenEndpoint,
    publicUrl,
    adminUrl,
    adminSocket,
    consoleUrl: config.consoleUrl ?? adminUrl.replace('127.0.0.1', 'localhost'),
    workers: config.workers,
  }
  process.stdout.write(options.json ? `${announcementJson(about)}\n` : announcement(about))

  const failure = await Promise.race([stopped, server.failure])
  if (failure !== undefined) logger.error({ error: failure.message }, 'workers do not come up any more')
  logger.info(
    { drain_delay: config.drainDelayMs / 1000 },
    'stopping: not ready any more, and serving until the delay is over',
  )
  await server.stop()
  logger.info('stopped')
  if (failure !== undefined) throw failure
}
