import { AggregatorRegistry, Registry } from 'prom-client'
import type { Endpoint } from '../http/exchange.ts'
import { problem } from '../http/problem.ts'
import type { MetricsSnapshot } from './metrics.ts'

/** The numbers of one or several processes in the text format 0.0.4 of Prometheus: counters and histograms added, gauges as each says. */
export function renderMetrics(snapshots: readonly MetricsSnapshot[]): Promise<string> {
  return AggregatorRegistry.aggregate([...snapshots]).metrics()
}

/** `GET /metrics`. `collect` asks every process that serves. */
export function metricsEndpoint(collect: () => Promise<readonly MetricsSnapshot[]>): Endpoint {
  return async (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return problem(405, 'Method not allowed', 'use GET', ['Allow', 'GET, HEAD'])
    }
    const body = await renderMetrics(await collect())
    return {
      status: 200,
      headers: ['Content-Type', Registry.PROMETHEUS_CONTENT_TYPE, 'Cache-Control', 'no-store'],
      body,
    }
  }
}
