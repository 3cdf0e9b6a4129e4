import type * as OpenTelemetry from '@opentelemetry/api'
import type { Endpoint } from '../http/exchange.ts'

/** Wraps endpoints so that each request leaves a span. */
export interface Tracing {
  /** `route` is a path of ours, never one that a caller chose. */
  trace(route: string, endpoint: Endpoint): Endpoint
}

/**
 * Spans through OpenTelemetry, when `@opentelemetry/api` is installed beside the server and an SDK was registered before it started
 * (`node --import ./instrumentation.mjs`); `undefined` otherwise, and then nothing is paid for it. A span has the route, the method, the status
 * and the request id; never a header, a parameter or a body. The trace of the caller is taken over (W3C Trace Context), as the SDK's propagator reads it.
 */
export async function openTracing(version: string): Promise<Tracing | undefined> {
  let api: typeof OpenTelemetry
  try {
    api = await import('@opentelemetry/api')
  } catch {
    // Not installed: it is optional.
    return undefined
  }
  const { context, propagation, SpanKind, SpanStatusCode, trace } = api
  const tracer = trace.getTracer('latchkey', version)
  const probe = tracer.startSpan('probe', { root: true }).spanContext()
  // Without an SDK every span is of the trace that there is not.
  if (!api.isSpanContextValid(probe)) return undefined

  return {
    trace: (route, endpoint) => (request) => {
      const { method, headers, id } = request
      const parent = propagation.extract(context.active(), headers)
      const name = `${knownMethods.has(method) ? method : 'HTTP'} ${route}`
      const attributes = {
        'http.request.method': knownMethods.has(method) ? method : '_OTHER',
        'http.route': route,
        'latchkey.request_id': id,
      }
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent)
      return context.with(trace.setSpan(parent, span), async () => {
        try {
          const response = await endpoint(request)
          span.setAttribute('http.response.status_code', response.status)
          // What the caller did wrong is no error of this side (OpenTelemetry's rule for servers).
          if (response.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
          return response
        } catch (error) {
          span.setAttribute('http.response.status_code', 500)
          span.setStatus({ code: SpanStatusCode.ERROR })
          throw error
        } finally {
          span.end()
        }
      })
    },
  }
}

/** A method is any token (RFC 9110 §9.1): unknown ones would make names without end. */
const knownMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
