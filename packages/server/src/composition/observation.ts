import type { Endpoint } from '../http/exchange.ts'
import { createMetrics, type Metrics } from '../metrics/metrics.ts'
import { openTracing } from '../telemetry/tracing.ts'
import type { Surroundings } from './surroundings.ts'

/** How a process is watched from outside. */
export interface Observation {
  readonly metrics: Metrics
  /** The same endpoint, counted and timed under `name`, with a span for `route` where there is tracing. */
  watch(name: string, route: string, endpoint: Endpoint): Endpoint
}

export async function openObservation({ version }: Pick<Surroundings, 'version'>): Promise<Observation> {
  const metrics = createMetrics(version)
  const tracing = await openTracing(version)
  return {
    metrics,
    watch(name, route, endpoint) {
      const counted = metrics.watch(name, endpoint)
      return tracing === undefined ? counted : tracing.trace(route, counted)
    },
  }
}
