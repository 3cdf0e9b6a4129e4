import { request, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { toSeconds, type RevocationFeed } from '@latchkey/protocol'
import { setClientState } from '../clients/update-client.ts'
import { revokeSecret } from '../clients/manage-secrets.ts'
import type { ClientId } from '../clients/client.ts'
import type { CredentialId } from '../clients/credential.ts'
import { postForm, send, startTestServer, type TestServer } from '../testing/start-test-server.ts'

let server: TestServer

beforeEach(async () => {
  server = await startTestServer()
  await server.registerApi('configurations', ['read'])
})
afterEach(() => server.dispose())

const feedUrl = () => `${server.issuer}/oauth2/revocations`
const context = () => ({ actor: 'local-socket', requestId: 'request', now: server.clock.now() })

async function feed(after?: number): Promise<RevocationFeed> {
  const answer = await send(feedUrl() + (after === undefined ? '' : `?after=${after}`))
  expect(answer.status).toBe(200)
  return answer.json<RevocationFeed>()
}

async function newToken() {
  const client = await server.registerClient(['configurations/read'])
  const basic = Buffer.from(`${client.clientId}:${client.clientSecret}`).toString('base64')
  const headers = { Authorization: `Basic ${basic}` }
  const answer = await postForm(server.tokenEndpoint, { grant_type: 'client_credentials' }, headers)
  const token = String(answer.json()['access_token'])
  const { lk_credentials: credentials, jti = '' } = decodeJwt<{ lk_credentials: Record<string, number> }>(token)
  return { ...client, headers, token, jti, credentials, kid: decodeProtectedHeader(token).kid }
}

async function disable(clientId: string) {
  const result = await setClientState(server.services.change, context(), clientId as ClientId, 'disabled')
  expect(result.ok).toBe(true)
}

/** Follows the stream until it is closed from either side. */
function follow(headers: Record<string, string> = {}, query = '') {
  const feeds: { id: string; feed: RevocationFeed }[] = []
  let response: IncomingMessage | undefined
  let ended = false
  const outgoing = request(feedUrl() + query, { headers: { Accept: 'text/event-stream', ...headers }, agent: false })
  let text = ''
  outgoing.on('response', (incoming) => {
    response = incoming
    incoming.setEncoding('utf8')
    incoming.on('data', (chunk: string) => {
      text += chunk
      const events = text.split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) {
        const fields = Object.fromEntries(event.split('\n').map((line) => line.split(/: (.*)/s, 2)))
        expect(fields['event']).toBe('revocations')
        feeds.push({ id: String(fields['id']), feed: JSON.parse(String(fields['data'])) as RevocationFeed })
      }
    })
    incoming.on('close', () => (ended = true))
  })
  outgoing.on('error', () => (ended = true))
  outgoing.end()
  return {
    feeds,
    response: () => response,
    ended: () => ended,
    close: () => outgoing.destroy(),
    async until(condition: (all: RevocationFeed[]) => boolean): Promise<void> {
      await expect.poll(() => condition(feeds.map((each) => each.feed)), { timeout: 8000, interval: 10 }).toBe(true)
    },
  }
}

const plainRequest = 'GET /oauth2/revocations HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'

/** Sends these bytes on a connection of their own; answers what came back by the time that it was closed. */
function converse(text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(server.issuer).port), '127.0.0.1', () => socket.write(text))
    let received = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => (received += chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      resolve(received)
    })
  })
}

/** As if so many tokens had been revoked. */
function addEntries(database: string, number: number, now: number): void {
  using connection = new DatabaseSync(database)
  const insert = connection.prepare(
    'insert into revocations (sequence, kind, subject, minimum, expires_at) values (?, ?, ?, ?, ?)',
  )
  connection.exec('begin')
  for (let i = 1; i <= number; i++) insert.run(i, 'jti', `${i}`.padStart(22, '0'), 0, now + 86_400_000)
  connection.exec('commit')
}

describe('as JSON', () => {
  test('is public, never stored, and says when the database was last reached', async () => {
    const answer = await send(feedUrl())
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'access-control-allow-origin': '*',
    })
    expect(answer.json()).toEqual({
      issuer: server.issuer,
      snapshot: true,
      sequence: 0,
      more: false,
      as_of: toSeconds(server.clock.now()),
      entries: [],
    })
    const metadata = await send(`${server.issuer}/.well-known/oauth-authorization-server`)
    expect(metadata.json()['lk_revocations_uri']).toBe(feedUrl())
  })

  test('every ending of access is named by random ids, never by the client', async () => {
    const disabled = await newToken()
    const revoked = await newToken()
    const ended = await newToken()
    await disable(disabled.clientId)
    await postForm(`${server.issuer}/oauth2/revoke`, { token: revoked.token }, revoked.headers)
    const id = ended.clientSecret.split('_')[2] as CredentialId
    expect((await revokeSecret(server.services.change, context(), id, { compromised: false })).ok).toBe(true)

    const { entries, sequence } = await feed()
    const minimum = (of: Awaited<ReturnType<typeof newToken>>) => {
      const [named] = Object.entries(of.credentials)
      const [reference, generation] = named ?? expect.fail('no credential')
      const entry = entries.find((each) => each.kind === 'credential' && each.subject === reference)
      return entry?.kind === 'credential' && entry.minimum > generation
    }
    expect([minimum(disabled), minimum(ended), minimum(revoked)]).toEqual([true, true, false])
    expect(entries).toContainEqual({ kind: 'jti', subject: revoked.jti, expires_at: expect.any(Number) })
    const text = JSON.stringify(entries)
    for (const { clientId } of [disabled, revoked, ended]) expect(text).not.toContain(clientId)
    expect(text).not.toContain(id)
    expect(sequence).toBeGreaterThanOrEqual(server.clock.now())
    for (const { expires_at: expiresAt } of entries) expect(expiresAt).toBeGreaterThan(toSeconds(server.clock.now()))
  })

  test('with a cursor: only what came after, and nothing twice', async () => {
    const [first, second] = [await newToken(), await newToken()]
    await disable(first.clientId)
    const before = await feed()
    await disable(second.clientId)
    const after = await feed(before.sequence)
    expect(after.snapshot).toBe(false)
    expect(after.entries.length).toBeGreaterThan(0)
    expect(after.sequence).toBeGreaterThan(before.sequence)
    const subjects = (of: RevocationFeed) => of.entries.map((entry) => JSON.stringify(entry))
    expect(subjects(before).some((each) => subjects(after).includes(each))).toBe(false)
    expect((await feed()).entries).toEqual([...before.entries, ...after.entries])
    expect(await feed(after.sequence)).toMatchObject({ snapshot: false, sequence: after.sequence, entries: [] })
  })

  test.for([0, 1, 5, 99_999_999_999_999])('a cursor that this server cannot continue from: %d', async (cursor) => {
    await disable((await newToken()).clientId)
    const whole = await feed()
    expect(await feed(cursor)).toEqual(whole)
    expect(whole.snapshot).toBe(true)
  })

  test('outlives a restart, with the same sequence', async () => {
    await disable((await newToken()).clientId)
    const before = await feed()
    server = await server.restart()
    expect(await feed()).toMatchObject({ sequence: before.sequence, entries: before.entries })
  })

  test.for([
    '?after=',
    '?after=-1',
    '?after=1e3',
    '?after=abc',
    '?after=1&after=2',
    '?after=99999999999999999',
    '?x=1',
  ])('%s is refused', async (query) => {
    const answer = await send(feedUrl() + query)
    expect([answer.status, answer.headers['content-type']]).toEqual([400, 'application/problem+json'])
  })

  test.for(['POST', 'PUT', 'DELETE'])('%s is refused', async (method) => {
    const answer = await send(feedUrl(), { method })
    expect([answer.status, answer.headers['allow']]).toEqual([405, 'GET, HEAD'])
  })
})

describe('as server-sent events', () => {
  test('first what there is, then each ending as it happens', async () => {
    const [first, second] = [await newToken(), await newToken()]
    await disable(first.clientId)
    const stream = follow()
    await stream.until((feeds) => feeds.length > 0)
    expect(stream.response()?.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
    })
    expect(stream.feeds[0]?.feed).toEqual(await feed())
    expect(stream.feeds[0]?.id).toBe(String((await feed()).sequence))

    const told = stream.feeds.length
    await disable(second.clientId)
    await stream.until((feeds) => feeds.slice(told).some(({ entries }) => entries.length > 0))
    expect(stream.feeds.slice(told).flatMap((each) => each.feed.entries)).toEqual(
      (await feed(stream.feeds[0]?.feed.sequence)).entries,
    )
    stream.close()
  })

  test.for(['Last-Event-ID', 'query'])('goes on from %s', async (how) => {
    const [first, second] = [await newToken(), await newToken()]
    await disable(first.clientId)
    const { sequence } = await feed()
    await disable(second.clientId)
    const cursor = String(sequence)
    const stream = how === 'query' ? follow({}, `?after=${cursor}`) : follow({ 'Last-Event-ID': cursor }, '?after=0')
    await stream.until((feeds) => feeds.length > 0)
    expect(stream.feeds[0]?.feed).toEqual(await feed(sequence))
    expect(stream.feeds[0]?.feed.snapshot).toBe(false)
    stream.close()
  })

  test('a heartbeat comes though nothing happens, and moves as_of with the database', async () => {
    const stream = follow()
    await stream.until((feeds) => feeds.length > 0)
    server.clock.advance(60_000)
    const expected = toSeconds(server.clock.now())
    await stream.until((feeds) => feeds.some((each) => each.as_of >= expected))
    expect(stream.feeds.flatMap((each) => each.feed.entries)).toEqual([])
    stream.close()
  })

  test('a stop ends the stream at once, instead of waiting for it', async () => {
    const stream = follow()
    await stream.until((feeds) => feeds.length > 0)
    server = await server.restart()
    await expect.poll(() => stream.ended()).toBe(true)
  })

  test('hundreds follow at once, and all hear of the same ending', async () => {
    const client = await newToken()
    const streams = Array.from({ length: 300 }, () => follow())
    for (const stream of streams) await stream.until((feeds) => feeds.length > 0)
    for (const stream of streams.slice(150)) stream.close()
    await disable(client.clientId)
    const { entries } = await feed()
    expect(entries.length).toBeGreaterThan(0)
    for (const stream of streams.slice(0, 150)) {
      await stream.until((feeds) => feeds.some((each) => each.entries.length === entries.length))
      stream.close()
    }
  })
})

describe('a caller who wants to keep the streams to himself', () => {
  const head = 'Host: x\r\nAccept: text/event-stream\r\n'

  test('HEAD is answered and over: what follows on its connection is answered, too', async () => {
    const answers = await converse(`HEAD /oauth2/revocations HTTP/1.1\r\n${head}\r\n${plainRequest}`)
    expect(answers.match(/^HTTP\/1\.1 200 OK/gm)).toHaveLength(2)
    expect(answers).toContain('Content-Type: text/event-stream')
    expect(answers).toContain(`"issuer":"${server.issuer}"`)
  })

  test.for(['GET', 'HEAD', 'POST'])('what comes after a stream, here %s, ends the connection', async (method) => {
    const stream = `GET /oauth2/revocations HTTP/1.1\r\n${head}\r\n`
    await converse(`${stream}${method} /oauth2/revocations HTTP/1.1\r\n${head}Content-Length: 0\r\n\r\n`.repeat(20))
    expect((await feed()).entries).toEqual([])
  })

  test('one address gets 500; it still has the document, and a place again when one is free', async () => {
    const streams = Array.from({ length: 500 }, () => follow())
    for (const stream of streams) await stream.until((feeds) => feeds.length > 0)
    const refused = await send(feedUrl(), { headers: { Accept: 'text/event-stream' } })
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '5'])
    expect((await feed()).entries).toEqual([])
    for (const stream of streams) stream.close()
    await expect
      .poll(async () => {
        const stream = follow()
        await stream.until((feeds) => feeds.length > 0 || stream.response()?.statusCode === 503)
        stream.close()
        return stream.feeds.length
      })
      .toBeGreaterThan(0)
  })

  test('a snapshot larger than what may wait for a reader reaches a slow one whole', async () => {
    const number = 150_000
    if (server.config.database.kind !== 'sqlite') throw new Error('the test writes to an embedded database')
    const { path } = server.config.database
    addEntries(path, number, server.clock.now())
    server = await server.restart()
    const stream = follow()
    await expect.poll(() => stream.response()).toBeDefined()
    stream.response()?.pause()
    await new Promise((resolve) => setTimeout(resolve, 2000))
    stream.response()?.resume()
    await stream.until((feeds) => feeds.some((each) => !each.more))
    const whole = stream.feeds.slice(0, stream.feeds.findIndex((each) => !each.feed.more) + 1)
    expect(new Set(whole.flatMap((each) => each.feed.entries.map((entry) => JSON.stringify(entry)))).size).toBe(number)
    stream.close()
  })
})

test('entries leave when no token that they concern can be in force any more; the sequence stays', async () => {
  await disable((await newToken()).clientId)
  const { entries, sequence } = await feed()
  const expiries = entries.map((entry) => entry.expires_at * 1000)
  expect(Math.min(...expiries)).toBeGreaterThanOrEqual(server.clock.now() + 86_400_000)
  server.clock.advance(Math.max(...expiries) - server.clock.now())
  server = await server.restart()
  expect((await feed()).entries).toEqual(entries)
  server.clock.advance(1000)
  server = await server.restart()
  expect(await feed()).toMatchObject({ entries: [], sequence })
  expect(await feed(sequence)).toMatchObject({ snapshot: false, entries: [], sequence })
})
