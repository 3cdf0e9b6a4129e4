import { generateKeyPair, exportJWK } from 'jose'
import type { ServerResponse } from 'node:http'
import { describe, expect, test, vi } from 'vitest'
import type { GuardEvent } from '../events.ts'
import { startProtectedApi, type ProtectedApi } from '../protected-api.test.support.ts'

const jwksPath = '/oauth2/jwks'
const metadataPath = '/.well-known/oauth-authorization-server'

function fetches(api: ProtectedApi): number {
  return api.issuer.requests.filter((path) => path === jwksPath).length
}

/** What was asked for on the way to keys: without the revocations. */
function askedForKeys({ requests }: { readonly requests: readonly string[] }): string[] {
  return requests.filter((path) => !path.startsWith('/oauth2/revocations'))
}

function keyEvents({ events }: ProtectedApi): GuardEvent[] {
  return events.filter(({ type }) => type.startsWith('keys.'))
}

/** Answers instead of the issuer, for the key set only; everything else keeps working. */
function serveJwks(api: ProtectedApi, answer: (response: ServerResponse, etag: string | undefined) => void): void {
  api.issuer.intercept = (request, response) =>
    request.url === jwksPath ? answer(response, request.headers['if-none-match']) : 'pass'
}

/** Status, code, Retry-After, challenge, and the reason in the log. */
async function outcome(api: ProtectedApi, token: string): Promise<unknown[]> {
  const { status, json, headers } = await api.call(token)
  return [status, json['code'], headers['retry-after'], headers['www-authenticate'], api.refusals.at(-1)]
}

const unavailable = [503, 'temporarily_unavailable', '2', undefined, 'keys.unavailable']

describe('before the first keys', () => {
  test('issuer down → 503; as soon as it answers → 200', async () => {
    await using api = await startProtectedApi()
    const token = await api.issuer.sign()
    api.issuer.intercept = (request) => void request.socket.destroy()
    expect(await outcome(api, token)).toEqual(unavailable)
    api.issuer.intercept = undefined
    // Within two seconds of a failure nobody asks again.
    expect(await outcome(api, token)).toEqual(unavailable)
    api.clock.advance(2)
    expect((await api.call(token)).status).toBe(200)
  })

  test('what needs no key is still answered as what it is', async () => {
    await using api = await startProtectedApi()
    api.issuer.intercept = (_request, response) => void response.writeHead(500).end()
    expect((await api.call('x')).status).toBe(401)
    expect((await fetch(api.url)).status).toBe(401)
    expect(api.issuer.requests).toEqual([])
  })

  const pad = ' '.repeat(70_000)
  const bad: [string, string, (response: ServerResponse, good: unknown) => void][] = [
    ['500', 'http_status', (response, good) => void response.writeHead(500).end(JSON.stringify(good))],
    ['204', 'http_status', (response) => void response.writeHead(204).end()],
    ['304 that nobody asked for', 'http_status', (response) => void response.writeHead(304).end()],
    ['garbage', 'not_json', (response) => void response.end('<html>')],
    ['nothing', 'not_json', (response) => void response.end()],
    ['null', 'jwks.not_a_key_set', (response) => void response.end('null')],
    ['an array', 'jwks.not_a_key_set', (response) => void response.end('[]')],
    ['keys that are no array', 'jwks.not_a_key_set', (response) => void response.end('{"keys":{}}')],
    ['no keys', 'jwks.no_usable_key', (response) => void response.end('{"keys":[]}')],
    ['too much', 'too_large', (response, good) => void response.end(JSON.stringify(good) + pad)],
    ['a redirect', 'network', (response) => void response.writeHead(302, { location: '/elsewhere' }).end()],
    [
      'half an answer',
      'network',
      (response) => void response.writeHead(200, { 'content-length': 9 }).write('{', () => response.destroy()),
    ],
    ['a slow answer', 'timeout', () => {}],
    ['a slow body', 'timeout', (response) => void response.writeHead(200).write('{')],
  ]
  test.each(bad)('the key set is %s → 503, logged as %s', async (_title, reason, answer) => {
    await using api = await startProtectedApi({ keys: { timeoutMs: 150 } })
    const token = await api.issuer.sign()
    serveJwks(api, (response) => answer(response, api.issuer.keySet))
    expect(await outcome(api, token)).toEqual(unavailable)
    const failures = api.events.flatMap((event) => (event.type === 'keys.failed' ? [event.failure.reason] : []))
    expect(failures).toEqual([reason])
    expect(api.issuer.requests).not.toContain('/elsewhere')
    // The same API with the same key set served well.
    api.issuer.intercept = undefined
    api.clock.advance(2)
    expect((await api.call(token)).status).toBe(200)
  })
})

describe('discovery (RFC 8414 §3)', () => {
  test.each([
    ['another issuer', { issuer: 'https://other.example.com' }, 'metadata.issuer_mismatch'],
    ['a slash more', { issuer: 'ISSUER/' }, 'metadata.issuer_mismatch'],
    ['no issuer', { issuer: undefined }, 'metadata.issuer_mismatch'],
    ['keys over plain http', { jwks_uri: 'http://keys.example.com/jwks' }, 'metadata.jwks_uri'],
    ['keys in a file', { jwks_uri: 'file:///etc/passwd' }, 'metadata.jwks_uri'],
    ['no keys', { jwks_uri: undefined }, 'metadata.jwks_uri'],
  ])('§3.3 metadata with %s → 503 and no request for keys', async (_title, change, reason) => {
    await using api = await startProtectedApi()
    const { issuer } = api.issuer
    const text = JSON.stringify({ issuer, jwks_uri: issuer + jwksPath, ...change }).replace('ISSUER', issuer)
    api.issuer.intercept = (_request, response) => void response.end(text)
    expect(await outcome(api, await api.issuer.sign())).toEqual(unavailable)
    expect(api.issuer.requests).toEqual([metadataPath])
    expect(keyEvents(api)[0]).toEqual({ type: 'keys.failed', failure: { url: issuer + metadataPath, reason } })
  })

  test.each(['null', '[]', '"x"', 'x'])('metadata that is %s → 503', async (text) => {
    await using api = await startProtectedApi()
    api.issuer.intercept = (_request, response) => void response.end(text)
    expect(await outcome(api, await api.issuer.sign())).toEqual(unavailable)
  })

  test('jwksUri given → metadata is not asked for', async () => {
    await using source = await startProtectedApi()
    const issuer = source.issuer
    const revocationsUri = `${issuer.issuer}/oauth2/revocations`
    await using api = await startProtectedApi({
      issuer: issuer.issuer,
      jwksUri: issuer.issuer + jwksPath,
      revocationsUri,
    })
    expect((await api.call(await issuer.sign())).status).toBe(200)
    expect(askedForKeys(issuer)).toEqual([jwksPath])
  })
})

describe('freshness', () => {
  test('fresh keys are asked for once, however many requests come at once', async () => {
    await using api = await startProtectedApi()
    const token = await api.issuer.sign()
    const answers = await Promise.all(Array.from({ length: 20 }, () => api.call(token)))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
    api.clock.advance(299)
    await api.call(token)
    expect(askedForKeys(api.issuer)).toEqual([metadataPath, jwksPath])
  })

  test('after max-age the issuer is asked again, and a key that is gone verifies nothing', async () => {
    await using api = await startProtectedApi()
    const old = await api.issuer.sign()
    expect((await api.call(old)).status).toBe(200)
    await api.issuer.rotate()
    api.clock.advance(299)
    expect((await api.call(old)).status).toBe(200)
    api.clock.advance(1)
    expect((await api.call(old)).status).toBe(401)
    expect(api.refusals).toEqual(['token.unknown_key'])
  })

  test('a max-age beyond the bound is cut', async () => {
    await using api = await startProtectedApi({ keys: { maxFreshnessSeconds: 60 } })
    const token = await api.issuer.sign()
    await api.call(token)
    api.clock.advance(59)
    await api.call(token)
    expect(fetches(api)).toBe(1)
    api.clock.advance(1)
    await api.call(token)
    expect(fetches(api)).toBe(2)
  })

  test('ETag: 304 keeps the keys for another while (RFC 9110 §13.1.2)', async () => {
    await using api = await startProtectedApi()
    const token = await api.issuer.sign()
    const seen: (string | undefined)[] = []
    serveJwks(api, (response, etag) => {
      seen.push(etag)
      response.writeHead(etag === '"1"' ? 304 : 200, { etag: '"1"', 'cache-control': 'max-age=60' })
      response.end(etag === '"1"' ? undefined : JSON.stringify(api.issuer.keySet))
    })
    for (const seconds of [0, 60, 30, 30]) {
      api.clock.advance(seconds)
      expect((await api.call(token)).status).toBe(200)
    }
    expect(seen).toEqual([undefined, '"1"', '"1"'])
  })

  test('a clock that is set back makes nothing fresh', async () => {
    await using api = await startProtectedApi()
    const token = await api.issuer.sign()
    await api.call(token)
    api.clock.advance(-30)
    expect((await api.call(token)).status).toBe(200)
    expect(fetches(api)).toBe(2)
  })
})

describe('an issuer that fails (RFC 5861 §4)', () => {
  test.each([
    ['is down', (response: ServerResponse) => void response.destroy()],
    ['answers 500', (response: ServerResponse) => void response.writeHead(500).end()],
    ['answers garbage', (response: ServerResponse) => void response.end('<html>')],
    ['answers an empty key set', (response: ServerResponse) => void response.end('{"keys":[]}')],
  ])('it %s: known keys verify for an hour since its last answer, then 503', async (_title, answer) => {
    await using api = await startProtectedApi()
    const token = await api.issuer.sign({ exp: api.clock.nowMs / 1000 + 86_000 })
    expect((await api.call(token)).status).toBe(200)
    serveJwks(api, answer)
    for (const seconds of [300, 1, 3298]) {
      api.clock.advance(seconds)
      expect((await api.call(token)).status).toBe(200)
    }
    api.clock.advance(1)
    expect(await outcome(api, token)).toEqual(unavailable)
    api.issuer.intercept = undefined
    api.clock.advance(2)
    expect((await api.call(token)).status).toBe(200)
  })

  test('once it is known to hang, requests do not wait for it', async () => {
    await using api = await startProtectedApi({ keys: { timeoutMs: 300 } })
    const token = await api.issuer.sign()
    await api.call(token)
    serveJwks(api, () => {})
    api.clock.advance(300)
    const first = performance.now()
    expect((await api.call(token)).status).toBe(200)
    expect(performance.now() - first).toBeGreaterThan(250)
    api.clock.advance(2)
    const second = performance.now()
    expect((await api.call(token)).status).toBe(200)
    expect(performance.now() - second).toBeLessThan(250)
    // In the background it was asked again.
    await vi.waitFor(() => expect(fetches(api)).toBe(3))
  })
})

describe('unknown kid', () => {
  test('a new key at the issuer is found at once; the old one ends', async () => {
    await using api = await startProtectedApi()
    const old = await api.issuer.sign()
    expect((await api.call(old)).status).toBe(200)
    await api.issuer.rotate()
    expect((await api.call(await api.issuer.sign())).status).toBe(200)
    expect(fetches(api)).toBe(2)
    expect((await api.call(old)).status).toBe(401)
  })

  test('many requests with the new key at once → one request to the issuer, all 200', async () => {
    await using api = await startProtectedApi()
    await api.call(await api.issuer.sign())
    await api.issuer.rotate()
    const token = await api.issuer.sign()
    const answers = await Promise.all(Array.from({ length: 20 }, () => api.call(token)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(fetches(api)).toBe(2)
  })

  test('a few invented kids do not stand in the way of a new key', async () => {
    await using api = await startProtectedApi()
    await api.call(await api.issuer.sign())
    for (let i = 0; i < 4; i++) {
      expect((await api.call(await api.issuer.sign({}, { kid: `invented-${i}` }))).status).toBe(401)
    }
    await api.issuer.rotate()
    expect((await api.call(await api.issuer.sign())).status).toBe(200)
    expect(fetches(api)).toBe(6)
  })

  test('many invented kids ask the issuer five times, then every two seconds, and bring the new key with them', async () => {
    await using api = await startProtectedApi()
    await api.call(await api.issuer.sign())
    const invent = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        expect((await api.call(await api.issuer.sign({}, { kid: crypto.randomUUID() }))).status).toBe(401)
      }
    }
    await invent(20)
    expect(fetches(api)).toBe(6)
    await api.issuer.rotate()
    const token = await api.issuer.sign()
    api.clock.advance(1.9)
    expect((await api.call(token)).status).toBe(401)
    expect(fetches(api)).toBe(6)
    api.clock.advance(0.2)
    // The stranger is first again, and so it is their question that finds the key.
    await invent(1)
    expect((await api.call(token)).status).toBe(200)
    await invent(5)
    expect(fetches(api)).toBe(7)
  })

  test('how often is what was configured', async () => {
    await using api = await startProtectedApi({ keys: { unknownKeyCooldownSeconds: 30 } })
    await api.call(await api.issuer.sign())
    for (const seconds of [0, 0, 0, 0, 0, 0, 29, 1, 1]) {
      api.clock.advance(seconds)
      await api.call(await api.issuer.sign({}, { kid: crypto.randomUUID() }))
    }
    expect(fetches(api)).toBe(7)
  })

  test('the issuer cannot be asked → 503 for the new key, 200 for a known one', async () => {
    await using api = await startProtectedApi()
    const old = await api.issuer.sign()
    await api.call(old)
    await api.issuer.rotate()
    serveJwks(api, (response) => void response.writeHead(500).end())
    expect(await outcome(api, await api.issuer.sign())).toEqual(unavailable)
    expect((await api.call(old)).status).toBe(200)
  })
})

describe('keys that are not used', () => {
  test.each([
    ['another use', { use: 'enc' }, 'not_for_signatures'],
    ['other operations', { key_ops: ['encrypt'] }, 'not_for_signatures'],
    ['no alg', { alg: undefined }, 'algorithm_not_accepted'],
    ['an alg that is not accepted', { alg: 'ES384' }, 'algorithm_not_accepted'],
    ['an HMAC', { kty: 'oct', k: 'AAAA', alg: 'HS256' }, 'private_or_symmetric'],
    ['the private part', { d: 'AAAA' }, 'private_or_symmetric'],
    ['the private part of an AKP key', { priv: 'AAAA' }, 'private_or_symmetric'],
    ['no kid', { kid: undefined }, 'no_key_id'],
    ['a kid that is no string', { kid: 1 }, 'no_key_id'],
    ['a point off the curve', { x: 'AAAA' }, 'not_importable'],
    ['another curve', { crv: 'P-384' }, 'not_importable'],
    ['another type', { kty: 'RSA' }, 'not_importable'],
  ])('%s → 401, and other keys of the set work', async (_title, change, reason) => {
    await using api = await startProtectedApi()
    const token = await api.issuer.sign()
    const [signing] = api.issuer.keySet.keys
    const { publicKey } = await generateKeyPair('ES256')
    const other = { ...(await exportJWK(publicKey)), kid: 'other', alg: 'ES256', use: 'sig' }
    api.issuer.keySet.keys = [other, { ...signing, ...change } as never]
    expect((await api.call(token)).status).toBe(401)
    expect(api.refusals).toEqual(['token.unknown_key'])
    expect(keyEvents(api)[0]).toEqual({ type: 'keys.loaded', keyIds: ['other'], ignored: [{ index: 1, reason }] })

    api.issuer.keySet.keys = [other, signing as never]
    api.clock.advance(300)
    expect((await api.call(token)).status).toBe(200)
  })

  test('one kid for two keys names neither', async () => {
    await using api = await startProtectedApi()
    const [signing] = api.issuer.keySet.keys
    const { publicKey } = await generateKeyPair('ES256')
    const twin = { ...(await exportJWK(publicKey)), kid: signing?.kid, alg: 'ES256', use: 'sig' }
    const other = { ...twin, kid: 'other' }
    api.issuer.keySet.keys = [twin, signing, other] as never
    expect((await api.call(await api.issuer.sign())).status).toBe(401)
    expect(keyEvents(api)[0]).toMatchObject({ keyIds: ['other'], ignored: [{ index: 0 }, { index: 1 }] })
  })
})
