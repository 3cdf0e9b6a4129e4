import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { postForm, send, startTestServer, type TestServer } from '../testing/start-test-server.ts'
import { openTracing } from './tracing.ts'

const exporter = new InMemorySpanExporter()
let server: TestServer

function register(): void {
  new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register()
}

function unregister(): void {
  trace.disable()
  propagation.disable()
  context.disable()
  exporter.reset()
}

describe('with an SDK', () => {
  beforeEach(async () => {
    register()
    server = await startTestServer()
  })
  afterEach(async () => {
    await server.dispose()
    unregister()
  })

  test('a request leaves one span with route, method, status and request id, in the trace of its caller', async () => {
    await server.registerApi('configurations', ['read'])
    const { clientId, clientSecret } = await server.registerClient(['configurations/read'])
    const traceId = '0af7651916cd43dd8448eb211c80319c'
    const parent = 'b7ad6b7169203331'
    const answer = await postForm(
      server.tokenEndpoint,
      { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret },
      { traceparent: `00-${traceId}-${parent}-01` },
    )
    expect(answer.status).toBe(200)
    const [span, ...others] = exporter.getFinishedSpans()
    expect(others).toEqual([])
    expect(span).toMatchObject({ name: 'POST /oauth2/token', kind: SpanKind.SERVER })
    expect(span?.spanContext().traceId).toBe(traceId)
    expect(span?.parentSpanContext?.spanId).toBe(parent)
    expect(span?.attributes).toEqual({
      'http.request.method': 'POST',
      'http.route': '/oauth2/token',
      'http.response.status_code': 200,
      'latchkey.request_id': answer.headers['x-request-id'],
    })
    const text = JSON.stringify([span?.attributes, span?.events, span?.status, span?.name])
    for (const secret of [clientSecret, String(answer.json()['access_token']), clientId])
      expect(text).not.toContain(secret)
  })

  test('a refusal is no error of the server; a broken traceparent begins a trace of its own', async () => {
    await postForm(server.tokenEndpoint, { grant_type: 'client_credentials' }, { traceparent: '00-zz-zz-01' })
    const [span] = exporter.getFinishedSpans()
    expect(span?.attributes['http.response.status_code']).toBe(401)
    expect(span?.status.code).toBe(SpanStatusCode.UNSET)
    expect(span?.parentSpanContext).toBeUndefined()
  })

  test('what a caller makes up becomes no name', async () => {
    await send(`${server.issuer}/oauth2/token?made=up`, { method: 'PROPFIND' })
    await send(`${server.issuer}/made-up`)
    const spans = exporter.getFinishedSpans()
    expect(spans.map(({ name }) => name)).toEqual(['HTTP /oauth2/token'])
    expect(spans[0]?.attributes['http.request.method']).toBe('_OTHER')
  })
})

test('without an SDK there is no tracing, and a caller’s traceparent changes nothing', async () => {
  expect(await openTracing('0')).toBeUndefined()
  server = await startTestServer()
  const answer = await send(`${server.issuer}/oauth2/jwks`, {
    headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
  })
  expect(answer.status).toBe(200)
  await server.dispose()
})
