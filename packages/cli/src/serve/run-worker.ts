import {
  createLogger,
  describeError,
  Fault,
  startWorker,
  systemClock,
  systemRandom,
  type FromWorker,
  type RunningWorker,
  type ToWorker,
} from '@latchkey/server'
import { version } from '../version.ts'

/**
 * `latchkey serve` as a worker: does what the process above says, and ends when that process does. Signals are that process's business: a terminal
 * sends them to all of them at once.
 */
export async function runWorker(): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
  let worker: Promise<RunningWorker> | undefined
  await new Promise<void>((ended) => {
    process.on('message', (message: ToWorker) => {
      if (message.kind === 'start') {
        worker = start(message)
        // Why was told already.
        worker.catch(() => {
          process.exitCode = 1
          ended()
        })
      } else if (message.kind === 'reload-certificate') {
        worker?.then((running) => running.reloadCertificate()).catch(() => undefined)
      } else if (message.kind === 'collect-metrics') {
        worker
          ?.then(async (running) => tell({ kind: 'metrics', snapshot: await running.collectMetrics() }))
          .catch(() => undefined)
      } else {
        const stopped = worker?.then((running) => running.stop()) ?? Promise.resolve()
        stopped.catch(() => undefined).finally(ended)
      }
    })
    void tell({ kind: 'listening' })
  })
  process.disconnect?.()
}

async function start({ slot, config }: ToWorker & { readonly kind: 'start' }): Promise<RunningWorker> {
  const logger = createLogger(config.logLevel).child({ worker: slot })
  try {
    const running = await startWorker(config, slot, { clock: systemClock, random: systemRandom(), logger, version })
    await tell({ kind: 'ready', port: running.port })
    return running
  } catch (error) {
    const fault =
      error instanceof Fault
        ? error
        : new Fault('workers.failed', describeError(error), 'this should not happen: please report it')
    await tell({ kind: 'failed', code: fault.code, message: fault.message, remedy: fault.remedy })
    throw error
  }
}

/** Resolves when the message is on its way. */
function tell(message: FromWorker): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) resolve()
    else process.send(message, () => resolve())
  })
}
