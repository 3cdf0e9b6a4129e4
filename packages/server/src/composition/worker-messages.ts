import type { Config } from '../config/config.ts'
import type { MetricsSnapshot } from '../metrics/metrics.ts'
import type { FaultCode } from '../kernel/faults.ts'

/** What a worker is told by the process above it, over the channel that only both have: the configuration may hold secrets. */
export type ToWorker =
  | { readonly kind: 'start'; readonly slot: number; readonly config: Config }
  | { readonly kind: 'reload-certificate' }
  | { readonly kind: 'collect-metrics' }
  | { readonly kind: 'stop' }

/** What it says. First that it listens: what is sent to a worker before that is lost (node:cluster has a listener of its own from the start). */
export type FromWorker =
  | { readonly kind: 'listening' }
  | { readonly kind: 'ready'; readonly port: number }
  | { readonly kind: 'metrics'; readonly snapshot: MetricsSnapshot }
  | { readonly kind: 'failed'; readonly code: FaultCode; readonly message: string; readonly remedy: string }
