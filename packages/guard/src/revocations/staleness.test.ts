import { describe, expect, test } from 'vitest'
import { startMs, startProtectedApi } from '../protected-api.test.support.ts'
import {
  feedPath,
  nowSeconds,
  eventually,
  outcome,
  unavailable,
  stale,
  serveFeed,
  serveDocument,
  failures,
  startFollowing,
  cutStreams,
} from './feed.test.support.ts'

describe('staleness', () => {
  test('feed down: tokens are taken for an hour since as_of, then 503; back → 200', async () => {
    await using api = await startFollowing()
    const token = await api.issuer.sign({ exp: nowSeconds + 80_000 })
    serveFeed(api.issuer, (_request, response) => void response.destroy())
    // The stream that is open would bring documents of the new time.
    await cutStreams(api)
    api.clock.advance(3599)
    expect((await api.call(token)).status).toBe(200)
    api.clock.advance(1)
    expect(await outcome(api, token)).toEqual(stale)
    api.issuer.intercept = undefined
    api.clock.advance(2)
    expect((await api.call(token)).status).toBe(200)
  })

  test('an issuer that is cut off from its database keeps answering, and goes stale by its as_of', async () => {
    await using api = await startProtectedApi({ revocations: { maxStalenessSeconds: 600 } })
    const token = await api.issuer.sign()
    api.issuer.feed.asOf = nowSeconds - 100
    expect((await api.call(token)).status).toBe(200)
    api.clock.advance(499)
    expect((await api.call(token)).status).toBe(200)
    api.clock.advance(1)
    expect(await outcome(api, token)).toEqual(stale)
    api.clock.advance(2)
    expect(await outcome(api, token)).toEqual(stale)
    api.issuer.feed.asOf = undefined
    api.clock.advance(2)
    expect((await api.call(token)).status).toBe(200)
  })

  test('while stale, what is known to have ended is still told', async () => {
    await using api = await startFollowing()
    api.issuer.feed.publish({ kind: 'kid', subject: api.issuer.keySet.keys[0]?.kid ?? '' })
    const token = await api.issuer.sign({ exp: nowSeconds + 80_000 })
    await eventually(async () => expect((await api.call(token)).status).toBe(401))
    api.issuer.feed.asOf = nowSeconds
    api.clock.advance(3600)
    expect((await api.call(token)).status).toBe(401)
  })

  test('a first document that is too old → 503', async () => {
    await using api = await startProtectedApi()
    api.issuer.feed.asOf = nowSeconds - 3600
    expect(await outcome(api, await api.issuer.sign())).toEqual(stale)
  })

  test('as_of does not move backwards: of two servers, the one that is cut off takes nothing away', async () => {
    await using api = await startProtectedApi()
    const token = await api.issuer.sign()
    const ended = await api.issuer.sign()
    expect((await api.call(token)).status).toBe(200)
    // The other server answers, with news of its own but an old contact.
    api.issuer.feed.asOf = nowSeconds - 3600
    api.issuer.revokeToken(ended)
    await eventually(async () => expect((await api.call(ended)).status).toBe(401))
    expect((await api.call(token)).status).toBe(200)
  })

  test('while nothing can be relied on, requests ask once in two seconds', async () => {
    await using api = await startProtectedApi()
    const token = await api.issuer.sign()
    api.issuer.feed.asOf = nowSeconds - 3600
    await api.call(token)
    const documents = (): number => api.issuer.requests.filter((path) => path.startsWith(`${feedPath}?after`)).length
    const before = documents()
    const beganAtMs = performance.now()
    for (let i = 0; i < 10; i++) await api.call(token)
    // The clock stands still: what was asked meanwhile is the guard's own question of each second.
    const secondsPassed = Math.ceil((performance.now() - beganAtMs) / 1000)
    expect(documents() - before).toBeLessThanOrEqual(secondsPassed + 1)
  })

  test.each([
    [60, 200],
    [61, 503],
  ])('as_of %i s ahead of the API, which tolerates 60 → %i', async (ahead, status) => {
    await using api = await startProtectedApi()
    api.issuer.feed.asOf = nowSeconds + ahead
    expect((await api.call(await api.issuer.sign())).status).toBe(status)
    expect(failures(api).includes('feed.as_of_in_future')).toBe(status === 503)
  })

  test('a clock of the API that is set back by more than the tolerance relies on nothing', async () => {
    await using api = await startFollowing()
    const token = await api.issuer.sign({ iat: nowSeconds - 3600 })
    api.issuer.feed.asOf = nowSeconds
    api.clock.advance(-60)
    expect((await api.call(token)).status).toBe(200)
    api.clock.advance(-1)
    expect(await outcome(api, token)).toEqual(unavailable)
  })

  test('entries are forgotten once no token of theirs could be taken, by the clock of the issuer', async () => {
    await using api = await startProtectedApi()
    let asOf = nowSeconds
    let sequence = 1
    const entry = { kind: 'jti', subject: 'j-1', expires_at: nowSeconds + 600 }
    serveDocument(api.issuer, (after) => ({
      sequence: (sequence += 1),
      as_of: asOf,
      entries: after === undefined ? [entry] : [],
    }))
    const dead = async (): Promise<boolean> => {
      const token = await api.issuer.sign({ jti: 'j-1', exp: api.clock.nowMs / 1000 + 60 })
      return (await api.call(token)).status === 401
    }
    /** Lets the guard take in documents of that moment; the second was asked for after the first was taken. */
    const hear = async (seconds: number): Promise<void> => {
      asOf = nowSeconds + seconds
      const before = sequence
      await eventually(() => expect(sequence).toBeGreaterThan(before + 2))
    }
    expect(await dead()).toBe(true)
    // The API's clock runs ahead, and comes back: nothing was lost.
    api.clock.advance(3000)
    await hear(0)
    expect(await dead()).toBe(true)
    api.clock.nowMs = startMs + 719_000
    await hear(719)
    expect(await dead()).toBe(true)
    api.clock.nowMs = startMs + 780_000
    await hear(780)
    expect(await dead()).toBe(false)
  })
})
