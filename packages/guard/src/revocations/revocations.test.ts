import { describe, expect, test } from 'vitest'
import { startMs, startProtectedApi } from '../protected-api.test.support.ts'
import type { TestIssuer } from '../testing.ts'
import {
  feedPath,
  eventually,
  outcome,
  unavailable,
  feedRequests,
  serveFeed,
  failures,
  startFollowing,
} from './feed.test.support.ts'

describe('before the first document', () => {
  test('feed down → 503; as soon as it answers → 200', async () => {
    await using api = await startProtectedApi()
    const token = await api.issuer.sign()
    serveFeed(api.issuer, (request) => void request.socket.destroy())
    expect(await outcome(api, token)).toEqual(unavailable)
    api.issuer.intercept = undefined
    api.clock.advance(2)
    expect((await api.call(token)).status).toBe(200)
  })

  test('issuer not there at all → 503; once it is → 200 without anybody starting anything anew', async () => {
    await using api = await startProtectedApi()
    const token = await api.issuer.sign()
    api.issuer.intercept = (request) => void request.socket.destroy()
    expect((await api.call(token)).status).toBe(503)
    api.issuer.intercept = undefined
    api.clock.advance(2)
    await eventually(async () => expect((await api.call(token)).status).toBe(200))
  })

  test('many requests at once ask once', async () => {
    await using api = await startProtectedApi()
    const token = await api.issuer.sign()
    const answers = await Promise.all(Array.from({ length: 20 }, () => api.call(token)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(api.issuer.requests.filter((path) => path === feedPath).length).toBeLessThanOrEqual(2)
  })

  test('metadata that names no feed, or one over plain http → 503', async () => {
    for (const uri of [undefined, 'http://feed.example.com/', 'file:///etc/passwd']) {
      await using api = await startProtectedApi()
      const { issuer } = api.issuer
      api.issuer.intercept = ({ url }, response) => {
        if (url !== '/.well-known/oauth-authorization-server') return 'pass'
        response.end(JSON.stringify({ issuer, jwks_uri: `${issuer}/oauth2/jwks`, lk_revocations_uri: uri }))
        return undefined
      }
      expect(await outcome(api, await api.issuer.sign())).toEqual(unavailable)
      expect(failures(api)).toContain('metadata.revocations_uri')
      expect(api.issuer.requests.filter((path) => path.startsWith(feedPath))).toEqual([])
    }
  })

  test('guard.start() has keys and revocations before the first request', async () => {
    await using api = await startProtectedApi()
    await api.guard.start()
    expect(api.events.map(({ type }) => type).toSorted()).toEqual(['keys.loaded', 'revocations.loaded'])
    const asked = api.issuer.requests.filter((path) => !path.startsWith(feedPath)).length
    expect((await api.call(await api.issuer.sign())).status).toBe(200)
    expect(api.issuer.requests.filter((path) => !path.startsWith(feedPath)).length).toBe(asked)
  })

  test('guard.start() resolves without an issuer too', async () => {
    await using api = await startProtectedApi()
    api.issuer.intercept = (request) => void request.socket.destroy()
    await expect(api.guard.start()).resolves.toBeUndefined()
  })
})

describe('what ends a token', () => {
  test.each<[string, string, (issuer: TestIssuer, token: string) => void | Promise<void>]>([
    ['its jti', 'jti', (issuer, token) => issuer.revokeToken(token)],
    ['a credential that it names', 'credential', (issuer) => issuer.revokeCredential()],
    ['its key', 'kid', (issuer) => issuer.revokeKey()],
    ['the floor', 'floor', (issuer) => issuer.feed.publish({ kind: 'floor', minimum: startMs + 1 })],
  ])('%s → 401 token.revoked, pushed by the stream', async (_title, detail, revoke) => {
    await using api = await startFollowing()
    const token = await api.issuer.sign({ client_id: 'c-1' })
    expect((await api.call(token)).status).toBe(200)
    const asked = feedRequests(api)
    await revoke(api.issuer, token)
    await eventually(async () => expect((await api.call(token)).status).toBe(401))
    const { headers, json } = await api.call(token)
    expect(headers['www-authenticate']).toContain('error="invalid_token"')
    expect(json).toMatchObject({ code: 'invalid_token', status: 401 })
    const client = detail === 'kid' ? {} : { clientId: 'c-1' }
    expect(api.events.at(-1)).toEqual({ type: 'request.refused', reason: 'token.revoked', detail, ...client })
    // Nobody asked for documents: the stream brought it.
    expect(feedRequests(api)).toBe(asked)
  })

  test('one token is ended, others of its client live', async () => {
    await using api = await startFollowing()
    const [ended, other] = await Promise.all([api.issuer.sign(), api.issuer.sign()])
    api.issuer.revokeToken(ended)
    await eventually(async () => expect((await api.call(ended)).status).toBe(401))
    expect((await api.call(other)).status).toBe(200)
  })

  test('a generation at the minimum or above lives, one below is dead; of several credentials each counts', async () => {
    await using api = await startFollowing()
    const marker = await api.issuer.sign()
    api.issuer.feed.publish({ kind: 'credential', subject: 'ref', minimum: 100 })
    api.issuer.revokeToken(marker)
    await eventually(async () => expect((await api.call(marker)).status).toBe(401))
    const withCredentials = async (credentials: object): Promise<number> =>
      (await api.call(await api.issuer.sign({ lk_credentials: credentials }))).status
    expect(await withCredentials({ ref: 99 })).toBe(401)
    expect(await withCredentials({ ref: 100 })).toBe(200)
    expect(await withCredentials({ ref: 101 })).toBe(200)
    expect(await withCredentials({ other: 1 })).toBe(200)
    expect(await withCredentials({ other: 1000, ref: 99 })).toBe(401)
    expect(await withCredentials({ ref: 100, other: 1 })).toBe(200)
  })

  test('a lower minimum that comes late changes nothing', async () => {
    await using api = await startFollowing()
    const marker = await api.issuer.sign()
    api.issuer.feed.publish({ kind: 'credential', subject: 'ref', minimum: 100 })
    api.issuer.feed.publish({ kind: 'credential', subject: 'ref', minimum: 50 })
    api.issuer.revokeToken(marker)
    await eventually(async () => expect((await api.call(marker)).status).toBe(401))
    expect((await api.call(await api.issuer.sign({ lk_credentials: { ref: 99 } }))).status).toBe(401)
  })

  test('after a credential was raised, its new tokens are good at once', async () => {
    await using api = await startFollowing()
    const old = await api.issuer.sign()
    api.issuer.revokeCredential()
    expect((await api.call(await api.issuer.sign())).status).toBe(200)
    await eventually(async () => expect((await api.call(old)).status).toBe(401))
    expect((await api.call(await api.issuer.sign())).status).toBe(200)
  })

  test('a revoked key ends its tokens while it is still in the key set', async () => {
    await using api = await startFollowing()
    const token = await api.issuer.sign()
    api.issuer.feed.publish({ kind: 'kid', subject: api.issuer.keySet.keys[0]?.kid ?? '' })
    await eventually(async () => expect((await api.call(token)).status).toBe(401))
    expect(api.refusals.at(-1)).toBe('token.revoked')
  })

  test('the news of a revoked key brings the new one, even when strangers have spent all questions', async () => {
    await using api = await startFollowing()
    for (let i = 0; i < 10; i++) await api.call(await api.issuer.sign({}, { kid: crypto.randomUUID() }))
    await api.issuer.revokeKey()
    const token = await api.issuer.sign()
    await eventually(async () => expect((await api.call(token)).status).toBe(200))
  })

  test('10,000 entries in pages, and each of them counts', async () => {
    await using api = await startProtectedApi()
    for (let i = 0; i < 10_000; i++) {
      api.issuer.feed.publish({ kind: 'credential', subject: `ref-${i}`, minimum: 100 })
    }
    for (const i of [0, 999, 1000, 5555, 9999]) {
      expect((await api.call(await api.issuer.sign({ lk_credentials: { [`ref-${i}`]: 99 } }))).status).toBe(401)
      expect((await api.call(await api.issuer.sign({ lk_credentials: { [`ref-${i}`]: 100 } }))).status).toBe(200)
    }
    expect(feedRequests(api)).toBeGreaterThanOrEqual(10)
    expect(api.events).toContainEqual(expect.objectContaining({ type: 'revocations.loaded', entries: 10_000 }))
  })
})

describe('lk_ claims', () => {
  test.each([undefined, {}])('lk_credentials %j → 401 token.claims', async (credentials) => {
    await using api = await startProtectedApi()
    const answer = await api.call(await api.issuer.sign({ lk_credentials: credentials }))
    expect(answer.status).toBe(401)
    expect(api.events.at(-1)).toMatchObject({ reason: 'token.claims', detail: 'lk_credentials' })
  })

  test.each(['lk_networks', 'lk_', 'lk_Credentials'])(
    '%s, which is not known here → 401 token.claims',
    async (name) => {
      await using api = await startProtectedApi()
      expect((await api.call(await api.issuer.sign({ [name]: null }))).status).toBe(401)
      expect(api.events.at(-1)).toMatchObject({ reason: 'token.claims', detail: name })
      expect((await api.call(await api.issuer.sign({ [name.replace('lk_', 'xlk_')]: null }))).status).toBe(200)
    },
  )
})

describe('close', () => {
  test('nothing is asked for any more, and the stream is closed', async () => {
    await using api = await startFollowing()
    await api.guard.close()
    await eventually(() => expect(api.issuer.feed.streams).toBe(0))
    const asked = api.issuer.requests.length
    // Longer than the pause between two documents.
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect(api.issuer.requests.length).toBe(asked)
    await expect(api.guard.close()).resolves.toBeUndefined()
  })

  test('before anything was followed, and verify afterwards → 503 without a question', async () => {
    await using api = await startProtectedApi()
    await api.guard.close()
    expect((await api.call(await api.issuer.sign())).status).toBe(503)
    expect(api.issuer.requests.filter((path) => path.startsWith(feedPath))).toEqual([])
  })
})
