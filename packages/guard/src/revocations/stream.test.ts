import type { RevocationFeed } from '@latchkey/protocol'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { startProtectedApi, type ProtectedApi } from '../protected-api.test.support.ts'
import {
  feedPath,
  nowSeconds,
  eventually,
  wantsStream,
  refuseStream,
  cutStreams,
  serveFeed,
  failures,
  startFollowing,
} from './feed.test.support.ts'

describe('the stream', () => {
  /** Sends bytes of its own to whoever wants a stream; documents come from the issuer. */
  function serveStream(api: ProtectedApi, answer: (response: ServerResponse, request: IncomingMessage) => void): void {
    serveFeed(api.issuer, (request, response) => {
      if (!wantsStream(request)) return api.issuer.feed.serve(request, response)
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
      answer(response, request)
    })
  }

  function eventOf(feed: RevocationFeed, change: object = {}): string {
    return `id: ${feed.sequence}\nevent: revocations\ndata: ${JSON.stringify({ ...feed, ...change })}\n\n`
  }

  test('cut in the middle of an event: what came whole counts, the rest comes with the next', async () => {
    await using api = await startProtectedApi()
    const [first, second] = await Promise.all([api.issuer.sign(), api.issuer.sign()])
    const cursors: (string | undefined)[] = []
    serveStream(api, (response, request) => {
      cursors.push(request.headers['last-event-id'] as string | undefined)
      const { feed } = api.issuer
      if (cursors.length > 1) {
        response.write(eventOf(feed.read(Number(cursors.at(-1)))))
        return
      }
      const begin = feed.read(0)
      response.write(eventOf(begin))
      api.issuer.revokeToken(first)
      const whole = feed.read(begin.sequence)
      response.write(eventOf(whole))
      api.issuer.revokeToken(second)
      response.write(eventOf(feed.read(whole.sequence)).slice(0, -20), () => response.destroy())
    })
    expect((await api.call(await api.issuer.sign())).status).toBe(200)
    await eventually(async () => expect((await api.call(first)).status).toBe(401))
    await eventually(async () => expect((await api.call(second)).status).toBe(401))
    expect(failures(api)).toContain('stream.ended')
    await eventually(() => expect(cursors.length).toBeGreaterThan(1))
    expect(Number(cursors[1])).toBeGreaterThan(Number(cursors[0]))
  })

  test('a proxy that keeps events back: documents are asked for every second', async () => {
    await using api = await startProtectedApi()
    serveStream(api, (response) => void response.write(': hello\n\n'))
    const token = await api.issuer.sign()
    expect((await api.call(token)).status).toBe(200)
    api.issuer.revokeToken(token)
    await eventually(async () => expect((await api.call(token)).status).toBe(401))
    const documents = (): number => api.issuer.requests.filter((path) => path.startsWith(`${feedPath}?`)).length
    const before = documents()
    await eventually(() => expect(documents()).toBeGreaterThan(before + 1))
    // Comments are no documents: the stream is given up, and tried again.
    await eventually(() => expect(failures(api)).toContain('stream.silent'))
  })

  test('a stream that falls silent later is left for documents', async () => {
    await using api = await startFollowing()
    const token = await api.issuer.sign()
    // From here on the open stream is never written to.
    api.issuer.feed.mute()
    api.issuer.revokeToken(token)
    await eventually(async () => expect((await api.call(token)).status).toBe(401))
    expect(failures(api)).toContain('stream.silent')
  })

  test('a stream that delivered, ended, and cannot be had again is left for documents', async () => {
    await using api = await startFollowing()
    const token = await api.issuer.sign()
    serveFeed(api.issuer, (request, response) =>
      wantsStream(request) ? refuseStream(response) : api.issuer.feed.serve(request, response),
    )
    await cutStreams(api)
    api.issuer.revokeToken(token)
    await eventually(async () => expect((await api.call(token)).status).toBe(401))
    expect(failures(api)).toContain('stream.ended')
  })

  test.each<[string, string, (response: ServerResponse, good: () => string) => void]>([
    ['is no event stream', 'stream.not_an_event_stream', (response) => void response.end('{}')],
    ['sends garbage', 'feed.malformed', (response) => void response.write('event: revocations\ndata: {\n\n')],
    ['sends what never ends', 'stream.event_too_large', (response) => void response.write('x'.repeat(5000))],
  ])('one that %s is left for documents', async (_title, reason, answer) => {
    await using api = await startProtectedApi({ revocations: { maxResponseBytes: 4096 } })
    serveFeed(api.issuer, (request, response) => {
      if (!wantsStream(request)) return api.issuer.feed.serve(request, response)
      const type = reason === 'stream.not_an_event_stream' ? 'application/json' : 'text/event-stream'
      response.writeHead(200, { 'content-type': type })
      answer(response, () => eventOf(api.issuer.feed.read(0)))
    })
    const token = await api.issuer.sign()
    expect((await api.call(token)).status).toBe(200)
    await eventually(() => expect(failures(api)).toContain(reason))
    api.issuer.revokeToken(token)
    await eventually(async () => expect((await api.call(token)).status).toBe(401))
  })

  test.each<[string, string, (feed: RevocationFeed) => object]>([
    ['goes back', 'feed.sequence_backwards', ({ sequence }) => ({ sequence: sequence - 1 })],
    ['names another issuer', 'feed.issuer_mismatch', () => ({ issuer: 'https://other.example.com' })],
    ['is of the future', 'feed.as_of_in_future', () => ({ as_of: nowSeconds + 61 })],
  ])('a document in it that %s is not believed, and ends it', async (_title, reason, lie) => {
    await using api = await startProtectedApi()
    const token = await api.issuer.sign({ jti: 'j-1' })
    const entry = { kind: 'jti', subject: 'j-1', expires_at: nowSeconds + 600 }
    let streams = 0
    serveStream(api, (response) => {
      streams += 1
      // Newer than the cursor that the stream began with: a later document must not fall back behind it either.
      api.issuer.feed.publish({ kind: 'jti', subject: `other-${streams}` })
      const good = api.issuer.feed.read(0)
      response.write(eventOf(good))
      response.write(eventOf(good, { entries: [entry], ...lie(good) }))
    })
    expect((await api.call(token)).status).toBe(200)
    await eventually(() => expect(failures(api)).toContain(reason))
    await eventually(() => expect(streams).toBeGreaterThan(1))
    expect((await api.call(token)).status).toBe(200)
  })

  test('events of another name are nobody’s', async () => {
    await using api = await startProtectedApi()
    const token = await api.issuer.sign({ jti: 'j-1' })
    const entry = { kind: 'jti', subject: 'j-1', expires_at: nowSeconds + 600 }
    let sent = false
    serveStream(api, (response) => {
      const feed = api.issuer.feed.read(0)
      response.write(eventOf(feed, { entries: [entry] }).replace('event: revocations', 'event: other'))
      response.write('data: hello\n\n')
      response.write(eventOf(feed), () => (sent = true))
    })
    expect((await api.call(token)).status).toBe(200)
    await eventually(() => expect(sent).toBe(true))
    expect((await api.call(token)).status).toBe(200)
  })
})
