import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Endpoint } from '../http/exchange.ts'
import { keepGauges, type GaugeSources } from './gauges.ts'

/*
 * What Prometheus is told. No label can take more than a few dozen values: no client, no address, no path that a caller chooses. What a single
 * client did stands in the audit log.
 */

/** The numbers of one process, as they are sent to the process that is asked for them. */
export type MetricsSnapshot = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

export interface Metrics {
  /** A token request was answered: granted, or refused for this reason. */
  countOutcome(reason: string | undefined): void
  /** So many requests were signed and recorded together. */
  countGroup(size: number): void
  /** A message to people, by mail or webhook, was sent, put off or given up. */
  readonly countNotice: (channel: string, outcome: string) => void
  /** So many messages wait, the oldest since so many seconds. */
  readonly noteWaitingNotices: (count: number, seconds: number) => void
  /** A group was written to the audit log. */
  readonly auditWritten: (seconds: number) => void
  readonly auditSynced: (seconds: number) => void
  /** The same endpoint, counted and timed under this name. */
  watch(name: string, endpoint: Endpoint): Endpoint
  /** What is asked for its state at each scrape. */
  keep(sources: GaugeSources): void
  /** The numbers of this process. */
  collect(): Promise<MetricsSnapshot>
}

/** A token takes a fraction of a millisecond; what takes seconds waits for a database that is away. */
const requestSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]
const diskSeconds = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1]
const groupSizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 1024]

/** Reasons that are ours and not the caller's. */
const failure = /^unavailable\./

export function createMetrics(version: string): Metrics {
  const register = new Registry()
  const registers = [register]
  new Gauge({
    name: 'latchkey_build_info',
    help: 'Version of Latchkey and of Node; always 1.',
    labelNames: ['version', 'node'],
    aggregator: 'max',
    registers,
  }).set({ version, node: process.versions.node }, 1)

  // Counted by hand and copied at a scrape: a label set is looked up at each call otherwise, which costs twenty times as much.
  const outcomes = new Map<string | undefined, number>([[undefined, 0]])
  new Counter({
    name: 'latchkey_token_requests_total',
    help: "Answers of the token endpoint: granted, refused (the reason is the caller's) or failed (it is ours), by precise reason.",
    labelNames: ['outcome', 'reason'],
    registers,
    collect() {
      this.reset()
      for (const [reason, count] of outcomes) {
        const outcome = reason === undefined ? 'granted' : failure.test(reason) ? 'failed' : 'refused'
        this.inc({ outcome, reason: reason ?? '' }, count)
      }
    },
  })
  const groups = new Histogram({
    name: 'latchkey_token_group_size',
    help: 'Token requests that were signed, recorded and answered together.',
    buckets: groupSizes,
    registers,
  })
  const requests = new Counter({
    name: 'latchkey_requests_total',
    help: 'Answers of the public endpoints, by status.',
    labelNames: ['endpoint', 'status'],
    registers,
  })
  const durations = new Histogram({
    name: 'latchkey_request_duration_seconds',
    help: 'From the last byte of a request to its answer.',
    labelNames: ['endpoint'],
    buckets: requestSeconds,
    registers,
  })
  const notices = new Counter({
    name: 'latchkey_notices_total',
    help: 'Attempts to send a message to people: sent, postponed or given up.',
    labelNames: ['channel', 'outcome'],
    registers,
  })
  const waitingNotices = new Gauge({
    name: 'latchkey_notices_waiting',
    help: 'Messages to people that wait to be sent, of all servers on this database.',
    // Every process that sends sees the same queue.
    aggregator: 'max',
    registers,
  })
  const noticeWait = new Gauge({
    name: 'latchkey_notices_wait_seconds',
    help: 'How long the oldest of them has waited.',
    aggregator: 'max',
    registers,
  })
  const writes = new Histogram({
    name: 'latchkey_audit_write_duration_seconds',
    help: 'Writing a group of records to the file of the audit log.',
    buckets: diskSeconds,
    registers,
  })
  const syncs = new Histogram({
    name: 'latchkey_audit_sync_duration_seconds',
    help: 'Bringing the audit log from memory to the disk.',
    buckets: diskSeconds,
    registers,
  })

  return {
    countOutcome(reason) {
      outcomes.set(reason, (outcomes.get(reason) ?? 0) + 1)
    },
    countGroup: (size) => groups.observe(size),
    countNotice: (channel, outcome) => notices.inc({ channel, outcome }),
    noteWaitingNotices(count, seconds) {
      waitingNotices.set(count)
      noticeWait.set(seconds)
    },
    auditWritten: (seconds) => writes.observe(seconds),
    auditSynced: (seconds) => syncs.observe(seconds),
    watch(name, endpoint) {
      const counts = new Map<number, ReturnType<typeof requests.labels>>()
      const duration = durations.labels(name)
      return async (request) => {
        const began = performance.now()
        let status = 500
        try {
          const response = await endpoint(request)
          status = response.status
          return response
        } finally {
          duration.observe((performance.now() - began) / 1000)
          const count = counts.get(status) ?? requests.labels(name, String(status))
          counts.set(status, count)
          count.inc()
        }
      }
    },
    keep: (sources) => keepGauges(sources, registers),
    async collect() {
      const [own, ofProcess] = await Promise.all([register.getMetricsAsJSON(), processRegister().getMetricsAsJSON()])
      return [...own, ...ofProcess.map((metric) => withoutNothing(metric))]
    },
  }
}

/** A mean over nothing is no number, and prom-client writes it in a way that the format does not know. */
function withoutNothing(metric: MetricsSnapshot[number]): MetricsSnapshot[number] {
  return { ...metric, values: metric.values.filter(({ value }) => !Number.isNaN(value)) }
}

let theProcess: Registry | undefined

/** Memory, processor, event loop, garbage collection: there is one of each in a process, and what watches them cannot be taken back. */
function processRegister(): Registry {
  if (theProcess === undefined) {
    theProcess = new Registry()
    collectDefaultMetrics({ register: theProcess })
  }
  return theProcess
}
