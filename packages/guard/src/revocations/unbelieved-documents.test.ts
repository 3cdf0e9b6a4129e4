import type { RevocationEntry } from '@latchkey/protocol'
import type { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { startMs, startProtectedApi } from '../protected-api.test.support.ts'
import {
  nowSeconds,
  eventually,
  outcome,
  unavailable,
  stale,
  wantsStream,
  refuseStream,
  serveFeed,
  serveDocument,
  failures,
  cutStreams,
} from './feed.test.support.ts'

describe('documents that are not believed', () => {
  const entry = (members: object): object => ({ entries: [{ expires_at: nowSeconds + 600, ...members }] })
  test.each<[string, string, object]>([
    ['another issuer', 'feed.issuer_mismatch', { issuer: 'https://other.example.com' }],
    ['no issuer', 'feed.issuer_mismatch', { issuer: undefined }],
    ['no sequence', 'feed.malformed', { sequence: undefined }],
    ['a sequence that is text', 'feed.malformed', { sequence: '7' }],
    ['a negative sequence', 'feed.malformed', { sequence: -1 }],
    ['a sequence beyond exact numbers', 'feed.malformed', { sequence: 2 ** 53 }],
    ['no as_of', 'feed.malformed', { as_of: undefined }],
    ['an as_of that is null', 'feed.malformed', { as_of: null }],
    ['snapshot that is text', 'feed.malformed', { snapshot: 'true' }],
    ['no more', 'feed.malformed', { more: undefined }],
    ['entries that are an object', 'feed.malformed', { entries: {} }],
    ['an entry that is null', 'feed.malformed', { entries: [null] }],
    ['an entry of an unknown kind', 'feed.malformed', entry({ kind: 'client', subject: 'x' })],
    ['an entry without a kind', 'feed.malformed', entry({ subject: 'x' })],
    ['a jti without a subject', 'feed.malformed', entry({ kind: 'jti' })],
    ['a jti with an empty subject', 'feed.malformed', entry({ kind: 'jti', subject: '' })],
    ['a kid with a long subject', 'feed.malformed', entry({ kind: 'kid', subject: 'x'.repeat(256) })],
    ['a credential without a minimum', 'feed.malformed', entry({ kind: 'credential', subject: 'x' })],
    ['a credential with half a minimum', 'feed.malformed', entry({ kind: 'credential', subject: 'x', minimum: 0.5 })],
    ['a floor without a minimum', 'feed.malformed', entry({ kind: 'floor' })],
    ['an entry without an end', 'feed.malformed', entry({ kind: 'jti', subject: 'x', expires_at: undefined })],
    ['no snapshot although all was asked for', 'feed.not_a_snapshot', { snapshot: false }],
    ['an as_of in the future', 'feed.as_of_in_future', { as_of: nowSeconds + 61 }],
  ])('a first one with %s → 503, logged as %s', async (_title, reason, change) => {
    await using api = await startProtectedApi()
    const token = await api.issuer.sign()
    serveDocument(api.issuer, change)
    expect(await outcome(api, token)).toEqual(unavailable)
    expect(failures(api)[0]).toBe(reason)
    serveDocument(api.issuer, {})
    api.clock.advance(2)
    expect((await api.call(token)).status).toBe(200)
  })

  test.each([
    ['garbage', 'not_json', '<html>'],
    ['null', 'feed.malformed', 'null'],
    ['an array', 'feed.malformed', '[]'],
    ['too much', 'too_large', ' '.repeat(5000)],
  ])('%s → 503, logged as %s', async (_title, reason, text) => {
    await using api = await startProtectedApi({ revocations: { maxResponseBytes: 4096 } })
    serveFeed(api.issuer, (_request, response) => void response.end(text))
    expect(await outcome(api, await api.issuer.sign())).toEqual(unavailable)
    expect(failures(api)[0]).toBe(reason)
  })

  test.each<[string, number, (response: ServerResponse) => void]>([
    ['a redirect', 5000, (response) => void response.writeHead(302, { location: '/elsewhere' }).end()],
    ['a 204', 5000, (response) => void response.writeHead(204).end()],
    ['half an answer', 5000, (response) => void response.write('{', () => response.destroy())],
    ['no answer', 150, () => {}],
    ['a slow body', 150, (response) => void response.write('{')],
  ])('%s → 503', async (_title, timeoutMs, answer) => {
    await using api = await startProtectedApi({ revocations: { timeoutMs } })
    serveFeed(api.issuer, (_request, response) => answer(response))
    expect(await outcome(api, await api.issuer.sign())).toEqual(unavailable)
    expect(api.issuer.requests).not.toContain('/elsewhere')
  })

  test('a document that is refused changes nothing: not even its good entries count, nor its as_of', async () => {
    await using api = await startProtectedApi({ revocations: { maxStalenessSeconds: 600 } })
    const token = await api.issuer.sign({ jti: 'j-1' })
    serveDocument(api.issuer, {})
    expect((await api.call(token)).status).toBe(200)
    const expires = { expires_at: nowSeconds + 600 }
    const entries = [
      { kind: 'jti', subject: 'j-1', ...expires },
      { kind: 'nonsense', ...expires },
    ]
    serveDocument(api.issuer, () => ({ entries, as_of: api.clock.nowMs / 1000 }))
    await eventually(() => expect(failures(api)).toContain('feed.malformed'))
    expect((await api.call(token)).status).toBe(200)
    api.clock.advance(600)
    expect(await outcome(api, token)).toEqual(stale)
  })

  test('a sequence that goes back is no contact: it goes stale, and the guard asks on from where it was', async () => {
    await using api = await startProtectedApi()
    const token = await api.issuer.sign({ exp: nowSeconds + 80_000 })
    const ended = await api.issuer.sign({ exp: nowSeconds + 80_000 })
    api.issuer.revokeToken(ended)
    expect((await api.call(ended)).status).toBe(401)
    const { sequence } = api.issuer.feed.read(undefined)
    const cursors: (number | undefined)[] = []
    serveDocument(api.issuer, (after) => {
      cursors.push(after)
      // An issuer that came back from a copy of yesterday, without telling: a snapshot that knows nothing.
      return { snapshot: true, sequence: sequence - 1, as_of: Math.floor(api.clock.nowMs / 1000), entries: [] }
    })
    await cutStreams(api)
    await eventually(() => expect(failures(api)).toContain('feed.sequence_backwards'))
    expect((await api.call(token)).status).toBe(200)
    api.clock.advance(3600)
    expect(await outcome(api, token)).toEqual(stale)
    expect(new Set(cursors)).toEqual(new Set([sequence]))
    // Restored as it should be: a higher sequence, and a floor for what was issued before.
    const restored: RevocationEntry[] = [
      { kind: 'floor', minimum: startMs + 1, expires_at: (nowSeconds + 90_000) as RevocationEntry['expires_at'] },
    ]
    serveDocument(api.issuer, () => ({
      snapshot: true,
      sequence: sequence + 1,
      as_of: Math.floor(api.clock.nowMs / 1000),
      entries: restored,
    }))
    api.clock.advance(2)
    expect(await outcome(api, token)).toEqual([401, 'invalid_token', undefined, 'token.revoked'])
    expect((await api.call(ended)).status).toBe(401)
    const fresh = await api.issuer.sign({ lk_credentials: { 'test-credential': startMs + 1 } })
    expect((await api.call(fresh)).status).toBe(200)
  })

  test('a later snapshot that leaves out what ended does not bring it back', async () => {
    await using api = await startProtectedApi()
    const ended = await api.issuer.sign()
    api.issuer.revokeToken(ended)
    serveDocument(api.issuer, {})
    expect((await api.call(ended)).status).toBe(401)
    let answered = 0
    serveDocument(api.issuer, (after) => {
      answered += 1
      return { snapshot: true, sequence: (after ?? 0) + 1, entries: [] }
    })
    await eventually(() => expect(answered).toBeGreaterThan(1))
    expect((await api.call(ended)).status).toBe(401)
    expect(failures(api).filter((reason) => reason.startsWith('feed.'))).toEqual([])
  })

  test('`more` without progress is not asked for for ever', async () => {
    await using api = await startProtectedApi()
    let answered = 0
    serveDocument(api.issuer, () => {
      answered += 1
      return { sequence: 7, more: true }
    })
    expect(await outcome(api, await api.issuer.sign())).toEqual(unavailable)
    expect(failures(api)[0]).toBe('feed.no_progress')
    expect(answered).toBe(2)
  })

  test('a snapshot that breaks off between two pages is no contact', async () => {
    await using api = await startProtectedApi()
    const token = await api.issuer.sign()
    const late = await api.issuer.sign()
    api.issuer.feed.pageSize = 1
    api.issuer.feed.publish({ kind: 'jti', subject: 'j-1' })
    api.issuer.revokeToken(late)
    let pages = 0
    serveFeed(api.issuer, (request, response) => {
      if (wantsStream(request)) return refuseStream(response)
      pages += 1
      if (pages === 1) api.issuer.feed.serve(request, response)
      else response.writeHead(500).end()
    })
    expect(await outcome(api, token)).toEqual(unavailable)
    expect(await outcome(api, late)).toEqual(unavailable)
    api.issuer.intercept = undefined
    api.clock.advance(2)
    expect((await api.call(token)).status).toBe(200)
    expect((await api.call(late)).status).toBe(401)
  })

  test('more entries than may be kept → 503 and no more memory; when enough are over → 200', async () => {
    await using api = await startProtectedApi({ revocations: { maxEntries: 1000 } })
    let asOf = nowSeconds
    const entries = Array.from({ length: 1001 }, (_, i) => ({
      kind: 'jti',
      subject: `j-${i}`,
      expires_at: nowSeconds + 600,
    }))
    serveDocument(api.issuer, (after) => ({
      sequence: 7,
      as_of: asOf,
      entries: after === undefined ? entries : [],
    }))
    expect(await outcome(api, await api.issuer.sign())).toEqual(unavailable)
    expect(failures(api)[0]).toBe('feed.too_many_entries')
    api.clock.advance(720)
    asOf += 720
    await eventually(async () => expect((await api.call(await api.issuer.sign())).status).toBe(200))
  })
})
