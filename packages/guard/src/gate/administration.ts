import type { RequestListener } from 'node:http'
import type { GateMetrics } from './gate-metrics.ts'

export interface AdministrationSources {
  readonly isReady: () => boolean
  /** What decisions need and is not known. */
  readonly missing: () => readonly string[]
  readonly metrics: GateMetrics
}

/** `/healthz` (it lives), `/readyz` (it can decide), `/metrics`; on a port of its own, which no proxy hands on. */
export function serveAdministration({ isReady, missing, metrics }: AdministrationSources): RequestListener {
  return ({ url, method }, response) => {
    const isRead = method === 'GET' || method === 'HEAD'
    const answer = (status: number, type: string, body: string): void =>
      void response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body)
    if (isRead && url === '/healthz') return answer(200, 'application/json', '{"status":"ok"}')
    if (isRead && url === '/readyz') {
      const unknown = missing()
      const status = isReady() ? (unknown.length === 0 ? 'ready' : 'waiting') : 'stopping'
      return answer(status === 'ready' ? 200 : 503, 'application/json', JSON.stringify({ status, missing: unknown }))
    }
    if (isRead && url === '/metrics') return answer(200, 'text/plain; version=0.0.4', metrics.text(missing()))
    answer(404, 'application/json', '{"status":404}')
  }
}
