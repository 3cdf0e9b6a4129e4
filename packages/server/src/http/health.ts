import type { Endpoint, HttpResponse } from './exchange.ts'

/** One thing that readiness depends on; throws, or answers what is wrong. */
export interface ReadinessCheck {
  readonly name: string
  readonly check: () => Promise<string | undefined>
}

const headers = ['Content-Type', 'application/json', 'Cache-Control', 'no-store']

/** `/healthz`: the process turns its event loop. Says nothing about what it depends on: restarting would not mend that. */
export const healthEndpoint: Endpoint = () => Promise.resolve({ status: 200, headers, body: '{"status":"ok"}' })

/** `/readyz`: everything that a request needs is there. 503 names what is not; what went wrong is in the log, not here. */
export function readinessEndpoint(checks: readonly ReadinessCheck[]): Endpoint {
  return async () => {
    const results = await Promise.all(checks.map(async ({ name, check }) => [name, await outcome(check)] as const))
    const isReady = results.every(([, problem]) => problem === undefined)
    const body = {
      status: isReady ? 'ok' : 'unavailable',
      checks: Object.fromEntries(results.map(([name, problem]) => [name, problem ?? 'ok'])),
    }
    return { status: isReady ? 200 : 503, headers, body: JSON.stringify(body) } satisfies HttpResponse
  }
}

async function outcome(check: ReadinessCheck['check']): Promise<string | undefined> {
  try {
    return await check()
  } catch {
    return 'failed'
  }
}
