import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { postForm, send, startTestServer, type TestServer } from '../testing/start-test-server.ts'
import { renderMetrics } from './metrics-endpoint.ts'
import { createMetrics } from './metrics.ts'
import { parseMetrics, scrape, valueOf } from './scrape.test.support.ts'

describe('a scrape', () => {
  let server: TestServer

  beforeEach(async () => {
    server = await startTestServer()
  })
  afterEach(async () => {
    await server.dispose()
  })

  async function requests(): Promise<{ clientId: string; clientSecret: string }> {
    await server.registerApi('configurations', ['read'])
    const client = await server.registerClient(['configurations/read'])
    const { clientId: client_id, clientSecret: client_secret } = client
    const form = { grant_type: 'client_credentials', client_id, client_secret }
    for (let i = 0; i < 3; i++) await postForm(server.tokenEndpoint, form)
    await postForm(server.tokenEndpoint, { ...form, scope: 'nobody/knows' })
    await postForm(server.tokenEndpoint, { ...form, client_secret: `${client_secret}x` })
    await send(`${server.issuer}/oauth2/jwks`)
    return client
  }

  test('counts outcomes by precise reason, answers by endpoint, and times them', async () => {
    await requests()
    const families = await scrape(server.adminUrl)
    const outcomes = 'latchkey_token_requests_total'
    expect(valueOf(families, outcomes, { outcome: 'granted' })).toBe(3)
    expect(valueOf(families, outcomes, { outcome: 'refused', reason: 'scope.unknown' })).toBe(1)
    expect(valueOf(families, outcomes, { outcome: 'refused', reason: 'authentication.secret_malformed' })).toBe(1)
    expect(valueOf(families, 'latchkey_requests_total', { endpoint: 'token', status: '200' })).toBe(3)
    expect(valueOf(families, 'latchkey_requests_total', { endpoint: 'token', status: '400' })).toBe(1)
    expect(valueOf(families, 'latchkey_requests_total', { endpoint: 'jwks', status: '200' })).toBe(1)
    expect(valueOf(families, 'latchkey_request_duration_seconds_count', { endpoint: 'token' })).toBe(5)
    expect(valueOf(families, 'latchkey_token_group_size_count')).toBe(5)
    expect(valueOf(families, 'latchkey_audit_write_duration_seconds_count')).toBeGreaterThanOrEqual(5)
  })

  test('tells the state of the process', async () => {
    await requests()
    server.clock.advance(5000)
    const families = await scrape(server.adminUrl)
    expect(valueOf(families, 'latchkey_cached_clients')).toBe(1)
    expect(valueOf(families, 'latchkey_audit_writable')).toBe(1)
    expect(valueOf(families, 'latchkey_audit_checkpoint_wait_seconds')).toBe(0)
    expect(valueOf(families, 'latchkey_signing_key_age_seconds', { state: 'active', algorithm: 'ES256' })).toBe(5)
    expect(valueOf(families, 'latchkey_connections', { listener: 'admin' })).toBe(1)
    expect(valueOf(families, 'latchkey_revocation_streams')).toBe(0)
    expect(valueOf(families, 'latchkey_build_info', { version: '0.0.0-test' })).toBe(1)
    expect(valueOf(families, 'process_resident_memory_bytes')).toBeGreaterThan(1e6)
    // Without TLS there is no end of a certificate to tell.
    expect(families.get('latchkey_tls_certificate_expiry_timestamp_seconds')?.samples ?? []).toEqual([])
  })

  test('follows the conventions of Prometheus: units, suffixes, cumulative buckets', async () => {
    await requests()
    const families = await scrape(server.adminUrl)
    const ours = [...families].filter(([name]) => name.startsWith('latchkey_'))
    expect(ours.length).toBeGreaterThan(12)
    for (const [name, { type, help, samples }] of ours) {
      expect(help, name).toMatch(/\.$/)
      expect(name.endsWith('_total'), name).toBe(type === 'counter')
      expect(name, 'base units').not.toMatch(/_(ms|milliseconds|minutes|kilobytes)(_|$)/)
      if (type !== 'histogram') continue
      const series = Map.groupBy(samples, ({ labels }) => labels['endpoint'] ?? '')
      for (const some of series.values()) {
        const buckets = some.filter((sample) => sample.name.endsWith('_bucket')).map(({ value }) => value)
        expect(buckets).toEqual(buckets.toSorted((a, b) => a - b))
        expect(some.filter(({ labels }) => labels['le'] === '+Inf').map(({ value }) => value)).toEqual([
          some.find((sample) => sample.name.endsWith('_count'))?.value,
        ])
      }
    }
  })

  test('names no client, no address and no secret, and no caller can make up a label', async () => {
    const { clientId, clientSecret } = await requests()
    await send(`${server.issuer}/oauth2/token/made-up?label=made-up`)
    await postForm(server.tokenEndpoint, { grant_type: 'made-up', client_id: 'made-up', scope: 'made-up' })
    await send(server.tokenEndpoint, { method: 'PROPFIND' })
    const { text } = await send(`${server.adminUrl}/metrics`)
    for (const hidden of ['made-up', 'PROPFIND', clientId, clientSecret, '127.0.0.1'])
      expect(text).not.toContain(hidden)
  })

  test('is there on the admin listener alone, for GET alone', async () => {
    expect((await send(`${server.issuer}/metrics`)).status).toBe(404)
    const posted = await postForm(`${server.adminUrl}/metrics`, {})
    expect(posted.status).toBe(405)
    expect(posted.headers['allow']).toBe('GET, HEAD')
  })
})

test('the numbers of several processes are added, ages and states are those of the worst', async () => {
  const snapshots = await Promise.all(
    [1, 2].map(async (number) => {
      const metrics = createMetrics('1')
      for (let i = 0; i < number; i++) metrics.countOutcome(undefined)
      metrics.countOutcome('unavailable.store')
      metrics.countGroup(4)
      metrics.keep({
        now: () => 100_000,
        cachedClients: () => number,
        storeContactAt: () => 100_000 - number * 1000,
        revocationSequence: () => number,
        revocationStreams: () => number,
        connections: () => Promise.resolve({ public: number }),
        signingKeys: () => [],
        certificateEndsAt: () => number * 1000,
        auditIsWritable: () => number === 1,
        checkpointsWaitSince: () => undefined,
      })
      return metrics.collect()
    }),
  )
  const families = parseMetrics(await renderMetrics(snapshots))
  expect(valueOf(families, 'latchkey_token_requests_total', { outcome: 'granted' })).toBe(3)
  expect(valueOf(families, 'latchkey_token_requests_total', { outcome: 'failed' })).toBe(2)
  expect(valueOf(families, 'latchkey_token_group_size_sum')).toBe(8)
  expect(valueOf(families, 'latchkey_cached_clients')).toBe(3)
  expect(valueOf(families, 'latchkey_connections', { listener: 'public' })).toBe(3)
  expect(valueOf(families, 'latchkey_store_contact_age_seconds')).toBe(2)
  expect(valueOf(families, 'latchkey_audit_writable')).toBe(0)
  expect(valueOf(families, 'latchkey_revocation_sequence')).toBe(1)
  expect(valueOf(families, 'latchkey_tls_certificate_expiry_timestamp_seconds')).toBe(1)
  expect(valueOf(families, 'latchkey_build_info')).toBe(1)
})
