import cluster, { type Worker } from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config/config.ts'
import { once } from '../kernel/background.ts'
import { Fault } from '../kernel/faults.ts'
import type { Logger } from '../kernel/log.ts'
import type { MetricsSnapshot } from '../metrics/metrics.ts'
import type { PublicSide } from './public-side.ts'
import { drainMs } from './stopping.ts'
import type { FromWorker, ToWorker } from './worker-messages.ts'

/** The processes that serve the public listener, kept at their number. */
export interface WorkerPool extends PublicSide {
  /** What is wrong with it, for readiness: no worker serves. */
  problem(): string | undefined
  reloadCertificate(): void
  /** The numbers of every worker that serves; those it gave before where one does not answer within a second. */
  collectMetrics(): Promise<readonly MetricsSnapshot[]>
  /** Settles when workers do not come up any more, with the reason; otherwise never. */
  readonly failure: Promise<Fault>
}

/** So many starts in a row may fail before the pool gives up; and a worker that ran this long (milliseconds) did start. */
const maxFailedStarts = 5
const steadyMs = 10_000

/** A worker that takes longer to start, in milliseconds, never will. */
const longestStartMs = 60_000

const firstPauseMs = 100
const longestPauseMs = 10_000

/** How long a worker may take to end after it was told to, beyond delay and drain, before it is killed. */
const endingMarginMs = 3000

interface Slot {
  readonly number: number
  worker: Worker | undefined
  ready: boolean
  failedStarts: number
  metrics: MetricsSnapshot | undefined
}

/**
 * Starts the workers and waits until every one serves. A worker that ends is replaced: at once, then in growing pauses. Each runs the command line of
 * this process again, and is told its configuration instead of reading it. Throws the Fault of the first worker that cannot start.
 */
export async function startWorkers(config: Config, logger: Logger): Promise<WorkerPool> {
  const slots = Array.from({ length: config.workers }, (_, index): Slot => {
    return { number: index + 1, worker: undefined, ready: false, failedStarts: 0, metrics: undefined }
  })
  let stopping = false
  let giveUp: (fault: Fault) => void = () => undefined
  const failure = new Promise<Fault>((resolve) => {
    giveUp = resolve
  })

  /** Resolves with the port once it serves; rejects with why it does not. Afterwards it looks after the slot. */
  function launch(slot: Slot): Promise<number> {
    const worker = cluster.fork()
    slot.worker = worker
    const startedAt = performance.now()
    let reason: Fault | undefined
    const timer = setTimeout(() => worker.process.kill('SIGKILL'), longestStartMs)
    return new Promise((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'listening') {
          tell(worker, stopping ? { kind: 'stop' } : { kind: 'start', slot: slot.number, config })
        } else if (message.kind === 'failed') {
          reason = new Fault(message.code, message.message, message.remedy)
        } else if (message.kind === 'metrics') {
          slot.metrics = message.snapshot
        } else {
          clearTimeout(timer)
          slot.ready = true
          resolve(message.port)
        }
      })
      worker.once('exit', (code, signal) => {
        clearTimeout(timer)
        const served = slot.ready
        slot.worker = undefined
        slot.ready = false
        slot.metrics = undefined
        const fault = reason ?? endedFault(slot.number, code, signal)
        if (!served) {
          reject(fault)
          return
        }
        if (stopping) return
        logger.error({ worker: slot.number, code, signal }, 'a worker ended and is replaced')
        slot.failedStarts = performance.now() - startedAt < steadyMs ? slot.failedStarts + 1 : 0
        void replace(slot, fault)
      })
    })
  }

  async function replace(slot: Slot, last: Fault): Promise<void> {
    let fault = last
    for (;;) {
      if (stopping) return
      if (slot.failedStarts >= maxFailedStarts) {
        giveUp(fault)
        return
      }
      if (slot.failedStarts > 0) await sleep(Math.min(firstPauseMs * 2 ** slot.failedStarts, longestPauseMs))
      if (stopping) return
      try {
        await launch(slot)
        return
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        fault = error
        slot.failedStarts++
        logger.error(
          { worker: slot.number, error: fault.message, attempt: slot.failedStarts },
          'a worker did not start',
        )
      }
    }
  }

  const stop = once(async () => {
    stopping = true
    const ended = slots.map(async ({ worker }) => {
      if (worker === undefined) return
      const exit = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
      tell(worker, { kind: 'stop' })
      const timer = setTimeout(
        () => worker.process.kill('SIGKILL'),
        config.drainDelayMs + drainMs(config) + endingMarginMs,
      )
      await exit
      clearTimeout(timer)
    })
    await Promise.all(ended)
  })

  try {
    const ports = await Promise.all(slots.map((slot) => launch(slot)))
    return {
      port: ports[0] ?? config.port,
      problem: () => (slots.some(({ ready }) => ready) ? undefined : 'no worker serves'),
      reloadCertificate() {
        for (const { worker } of slots) if (worker !== undefined) tell(worker, { kind: 'reload-certificate' })
      },
      async collectMetrics() {
        await Promise.all(
          slots.flatMap(({ worker, ready }) => (worker !== undefined && ready ? [metricsOf(worker)] : [])),
        )
        return slots.flatMap(({ metrics }) => (metrics === undefined ? [] : [metrics]))
      },
      failure,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** How long a scrape waits for a worker, in milliseconds. */
const metricsWaitMs = 1000

/** Asks a worker for its numbers. Resolves when it has given them (the pool keeps them), or has taken too long. */
function metricsOf(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer)
      worker.off('message', hear)
      worker.off('exit', finish)
      resolve()
    }
    const hear = ({ kind }: FromWorker): void => {
      if (kind === 'metrics') finish()
    }
    const timer = setTimeout(finish, metricsWaitMs)
    worker.on('message', hear)
    worker.once('exit', finish)
    tell(worker, { kind: 'collect-metrics' })
  })
}

/** A worker whose channel is closed already is about to end, which its `exit` tells. */
function tell(worker: Worker, message: ToWorker): void {
  worker.send(message, () => undefined)
}

function endedFault(slot: number, code: number | null, signal: string | null): Fault {
  return new Fault(
    'workers.failed',
    `worker ${slot} ended with ${signal ?? `code ${code}`}`,
    'look at its last lines in the log; with --workers 1 everything runs in one process',
  )
}
