import { CompactSign, exportJWK, exportSPKI, generateKeyPair, importJWK, SignJWT, type CryptoKey } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createGuard } from '../guard.ts'
import {
  audience,
  readScope,
  startMs,
  startProtectedApi,
  writeScope,
  type ProtectedApi,
} from '../protected-api.test.support.ts'
import { startTestIssuer } from '../testing.ts'
import { verificationAlgorithms } from '../verification-algorithm.ts'

const nowSeconds = startMs / 1000
let api: ProtectedApi

beforeAll(async () => {
  api = await startProtectedApi()
})
afterAll(() => api[Symbol.asyncDispose]())
beforeEach(() => {
  api.clock.nowMs = startMs
})

function base64url(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}

/** Status, error code of the challenge, and the reason in the log: `401 invalid_token token.type`. */
async function outcome(token: string): Promise<string> {
  const { status, headers } = await api.call(token)
  const error = /error="([^"]*)"/.exec(headers['www-authenticate'] ?? '')?.[1]
  return `${status} ${error} ${api.refusals.at(-1)}`
}

describe('§2.1 header', () => {
  const takenTypes = ['at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/At+JWT']
  test.each(takenTypes)('typ %s → 200', async (typ) => {
    expect((await api.call(await api.issuer.sign({}, { typ }))).status).toBe(200)
  })

  const refusedTypes = [
    'JWT',
    'jwt',
    'at',
    'at+jwt ',
    'text/at+jwt',
    'application/application/at+jwt',
    '',
    1,
    undefined,
  ]
  test.each(refusedTypes)('typ %j → token.type', async (typ) => {
    expect(await outcome(await api.issuer.sign({}, { typ }))).toBe('401 invalid_token token.type')
  })

  test('alg none, with and without a signature → token.algorithm', async () => {
    const [, payload = '', signature = ''] = (await api.issuer.sign()).split('.')
    const kid = api.issuer.keySet.keys[0]?.kid
    for (const alg of ['none', 'None', 'NONE']) {
      const header = base64url({ alg, typ: 'at+jwt', kid })
      expect(await outcome(`${header}.${payload}.`)).toBe('401 invalid_token token.algorithm')
      expect(await outcome(`${header}.${payload}.${signature}`)).toBe('401 invalid_token token.algorithm')
    }
  })

  test('HS256 with the public key as the secret → token.algorithm', async () => {
    const [jwk] = api.issuer.keySet.keys
    const publicKey = (await importJWK(jwk ?? {}, 'ES256')) as CryptoKey
    const [, payload = ''] = (await api.issuer.sign()).split('.')
    for (const secret of [await exportSPKI(publicKey), JSON.stringify(jwk)]) {
      const token = await new CompactSign(Buffer.from(payload, 'base64url'))
        .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: jwk?.kid ?? '' })
        .sign(Buffer.from(secret.padEnd(32)))
      expect(await outcome(token)).toBe('401 invalid_token token.algorithm')
    }
  })

  test('an algorithm that no allow-list names, or none at all → token.algorithm', async () => {
    const [, payload, signature] = (await api.issuer.sign()).split('.')
    for (const alg of ['ES384', 'RS256', 'es256', 'ES256 ', '', null, ['ES256'], undefined]) {
      const header = base64url({ alg, typ: 'at+jwt', kid: api.issuer.keySet.keys[0]?.kid })
      expect(await outcome(`${header}.${payload}.${signature}`)).toBe('401 invalid_token token.algorithm')
    }
  })

  test('an accepted algorithm that is not the one of the named key → token.algorithm', async () => {
    await using both = await startProtectedApi({ algorithms: ['RS256', 'ES256'] })
    const [, payload = ''] = (await both.issuer.sign()).split('.')
    const rsa = await generateKeyPair('RS256')
    const token = await new CompactSign(Buffer.from(payload, 'base64url'))
      .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: both.issuer.keySet.keys[0]?.kid ?? '' })
      .sign(rsa.privateKey)
    expect((await both.call(await both.issuer.sign())).status).toBe(200)
    expect((await both.call(token)).status).toBe(401)
    expect(both.refusals).toEqual(['token.algorithm'])
  })

  test.each(verificationAlgorithms)('%s, when it is the only one accepted → 200', async (algorithm) => {
    await using issuer = await startTestIssuer({ audience, scope: readScope, now: () => startMs, algorithm })
    await using other = await startProtectedApi({ issuer: issuer.issuer, algorithms: [algorithm] })
    expect((await other.call(await issuer.sign())).status).toBe(200)
  })

  test('no kid, an empty one, one that is no string → token.unknown_key', async () => {
    for (const kid of [undefined, ''])
      expect(await outcome(await api.issuer.sign({}, { kid }))).toBe('401 invalid_token token.unknown_key')
    const [, payload, signature] = (await api.issuer.sign()).split('.')
    expect(await outcome(`${base64url({ alg: 'ES256', typ: 'at+jwt', kid: 1 })}.${payload}.${signature}`)).toBe(
      '401 invalid_token token.unknown_key',
    )
  })

  test.each(['__proto__', 'constructor', 'toString', 'other'])('kid %s → token.unknown_key', async (kid) => {
    expect(await outcome(await api.issuer.sign({}, { kid }))).toBe('401 invalid_token token.unknown_key')
  })

  test('crit, even of a parameter that the JOSE library understands → token.critical_header', async () => {
    const [header = '', payload, signature] = (await api.issuer.sign()).split('.')
    const plain = JSON.parse(Buffer.from(header, 'base64url').toString()) as object
    for (const extension of [{ crit: ['b64'], b64: true }, { crit: ['exp'], exp: 1 }, { crit: [] }, { crit: null }]) {
      expect(await outcome(`${base64url({ ...plain, ...extension })}.${payload}.${signature}`)).toBe(
        '401 invalid_token token.critical_header',
      )
    }
  })

  test("a stranger's key in jwk, jku, x5u is not looked at → token.signature, and nobody is asked", async () => {
    const stranger = await generateKeyPair('ES256')
    const kid = api.issuer.keySet.keys[0]?.kid ?? ''
    const payload = JSON.parse(Buffer.from((await api.issuer.sign()).split('.')[1] ?? '', 'base64url').toString())
    const jwk = { ...(await exportJWK(stranger.publicKey)), kid, alg: 'ES256' }
    const asked = api.issuer.requests.length
    for (const brought of [{ jwk }, { jku: `${api.issuer.issuer}/evil` }, { x5u: `${api.issuer.issuer}/evil` }]) {
      const token = await new SignJWT(payload)
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid, ...brought })
        .sign(stranger.privateKey)
      expect(await outcome(token)).toBe('401 invalid_token token.signature')
    }
    expect(api.issuer.requests.length).toBe(asked)
  })
})

describe('§4 signature and form', () => {
  test('a changed payload → token.signature', async () => {
    const [header, payload = '', signature] = (await api.issuer.sign()).split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
    expect(await outcome(`${header}.${base64url({ ...claims, scope: writeScope })}.${signature}`)).toBe(
      '401 invalid_token token.signature',
    )
  })

  test('the signature of another token → token.signature', async () => {
    const [header, payload] = (await api.issuer.sign()).split('.')
    const [, , signature] = (await api.issuer.sign()).split('.')
    expect(await outcome(`${header}.${payload}.${signature}`)).toBe('401 invalid_token token.signature')
  })

  test('all-zero signature, DER signature → token.signature', async () => {
    const [header, payload] = (await api.issuer.sign()).split('.')
    const der = Buffer.from('3006020101020101', 'hex').toString('base64url')
    for (const signature of [Buffer.alloc(64).toString('base64url'), der]) {
      expect(await outcome(`${header}.${payload}.${signature}`)).toBe('401 invalid_token token.signature')
    }
  })

  test('a second spelling of the same signature → token.malformed', async () => {
    const token = await api.issuer.sign()
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const unusedBitSet = alphabet[alphabet.indexOf(token.at(-1) ?? '') + 1]
    expect(await outcome(token.slice(0, -1) + unusedBitSet)).toBe('401 invalid_token token.malformed')
    expect((await api.call(token)).status).toBe(200)
  })

  test.each(['x', 'a.b', 'a.b.c', '.', '..', '...', 'e30.e30', '=', 'bnVsbA.e30.AA', 'W10.e30.AA', 'IiI.e30.AA'])(
    'not a token: %s → token.malformed or token.algorithm',
    async (token) => {
      expect((await api.call(token)).status).toBe(token === '=' ? 400 : 401)
      expect(['token.malformed', 'token.algorithm', 'request.malformed_authorization']).toContain(api.refusals.at(-1))
    },
  )

  test('what it is refused for does not depend on what came before it', async () => {
    const header = Buffer.from('{"alg":"HS256","typ":"at+jwt","kid":"x"}').toString('base64url')
    const malformed = [`${header}.e30`, `${header}.`, `${header}.e30.AA.AA`]
    for (const token of malformed) expect(await outcome(token)).toBe('401 invalid_token token.malformed')
    expect(await outcome(`${header}.e30.AA`)).toBe('401 invalid_token token.algorithm')
    for (const token of malformed) expect(await outcome(token)).toBe('401 invalid_token token.malformed')
  })

  test('four parts, five parts (JWE) → token.malformed', async () => {
    const token = await api.issuer.sign()
    expect(await outcome(`${token}.AA`)).toBe('401 invalid_token token.malformed')
    expect(await outcome(`${token}.AA.AA`)).toBe('401 invalid_token token.malformed')
  })

  test.each(['null', '[]', '"text"', '1', '{', '', '\ufeff{}'])(
    'signed, but the payload is %j → token.malformed',
    async (text) => {
      await using other = await startProtectedApi()
      const { privateKey, publicKey } = await generateKeyPair('ES256')
      other.issuer.keySet.keys = [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256', use: 'sig' }]
      const sign = (payload: string): Promise<string> =>
        new CompactSign(Buffer.from(payload))
          .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'k' })
          .sign(privateKey)
      expect((await other.call(await sign(text))).status).toBe(401)
      // The same key with an object gets as far as its claims.
      expect((await other.call(await sign('{}'))).status).toBe(401)
      expect(other.refusals).toEqual([text === '\ufeff{}' ? 'token.claims' : 'token.malformed', 'token.claims'])
    },
  )

  test('8 KiB → 200; a byte more → token.too_large', async () => {
    const bare = (await api.issuer.sign({ filler: '' })).length
    // Every 3 bytes of payload are 4 of token; step until the limit is passed.
    let fits = ''
    let tooLarge = ''
    for (let length = Math.floor(((8192 - bare) * 3) / 4) - 4; tooLarge === ''; length++) {
      const token = await api.issuer.sign({ filler: 'x'.repeat(length) })
      if (token.length <= 8192) fits = token
      else tooLarge = token
    }
    expect(fits.length).toBeGreaterThan(8188)
    expect((await api.call(fits)).status).toBe(200)
    expect(await outcome(tooLarge)).toBe('401 invalid_token token.too_large')
  })
})

describe('§2.2 claims', () => {
  test('what the API sees: client, own scopes, claims, credentials', async () => {
    const scope = `other/configurations.read ${readScope} configurations.evil/configurations.write ${writeScope}`
    const token = await api.issuer.sign({ client_id: 'c-1', sub: 'c-1', jti: 'j-1', scope, lk_credentials: { ref: 7 } })
    expect((await api.call(token)).json).toEqual({
      clientId: 'c-1',
      scopes: [readScope, writeScope],
      claims: {
        iss: api.issuer.issuer,
        sub: 'c-1',
        client_id: 'c-1',
        aud: audience,
        iat: nowSeconds,
        exp: nowSeconds + 3600,
        jti: 'j-1',
        scope: `${readScope} ${writeScope}`,
      },
      credentials: { ref: 7 },
      address: '127.0.0.1',
    })
  })

  const required = ['iss', 'sub', 'client_id', 'jti', 'aud', 'exp', 'iat']
  test.each(required)('%s missing → token.claims', async (claim) => {
    expect(await outcome(await api.issuer.sign({ [claim]: undefined }))).toBe('401 invalid_token token.claims')
    expect(api.events.at(-1)).toMatchObject({ detail: claim })
  })

  test.each([
    ['iss', ['x']],
    ['sub', 1],
    ['sub', ''],
    ['client_id', ['c']],
    ['client_id', null],
    ['client_id', ''],
    ['jti', 1],
    ['jti', ''],
    ['aud', { 0: audience }],
    ['aud', [audience, 1]],
    ['aud', ''],
    ['exp', String(nowSeconds + 60)],
    ['exp', null],
    ['exp', true],
    ['exp', -1],
    ['iat', String(nowSeconds)],
    ['nbf', String(nowSeconds)],
    ['nbf', null],
    ['scope', [readScope]],
    ['scope', null],
    ['scope', `${readScope}  ${writeScope}`],
    ['scope', ` ${readScope}`],
    ['scope', `${readScope}\t${writeScope}`],
    ['lk_credentials', null],
    ['lk_credentials', []],
    ['lk_credentials', 'ref'],
    ['lk_credentials', { ref: '7' }],
    ['lk_credentials', { ref: -1 }],
    ['lk_credentials', { ref: 1.5 }],
    ['lk_credentials', { ref: null }],
    ['lk_credentials', { '': 1 }],
  ])('%s = %j → token.claims', async (claim, value) => {
    expect(await outcome(await api.issuer.sign({ [claim]: value }))).toBe('401 invalid_token token.claims')
    expect(api.events.at(-1)).toMatchObject({ detail: claim })
  })

  test('exp as 1e400, which JSON reads as Infinity → token.claims', async () => {
    await using other = await startProtectedApi()
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    other.issuer.keySet.keys = [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }]
    const [, payload = ''] = (await other.issuer.sign()).split('.')
    const text = Buffer.from(payload, 'base64url').toString()
    const sign = (json: string): Promise<string> =>
      new CompactSign(Buffer.from(json)).setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'k' }).sign(privateKey)
    expect((await other.call(await sign(text))).status).toBe(200)
    expect((await other.call(await sign(text.replace(/"exp":\d+/, '"exp":1e400')))).status).toBe(401)
    expect(other.refusals).toEqual(['token.claims'])
  })

  test.each([[audience], [[audience]], [['https://other.example.com', audience]]])('aud %j → 200', async (aud) => {
    expect((await api.call(await api.issuer.sign({ aud }))).status).toBe(200)
  })

  test.each([
    ['https://other.example.com'],
    [`${audience}/`],
    [`${audience}/admin`],
    [audience.slice(0, -1)],
    [audience.toUpperCase()],
    ['https://configurations.example.com'],
    [` ${audience}`],
    [`https://x ${audience}`],
    [[]],
    [[`${audience}#`]],
    [['https://other.example.com', 'https://third.example.com']],
  ])('aud %j → token.audience', async (aud) => {
    expect(await outcome(await api.issuer.sign({ aud }))).toBe('401 invalid_token token.audience')
  })

  test.each(['/', '#', '/clients', '?'])('iss with %s appended → token.issuer', async (suffix) => {
    expect(await outcome(await api.issuer.sign({ iss: api.issuer.issuer + suffix }))).toBe(
      '401 invalid_token token.issuer',
    )
  })

  test.each([{ jkt: 'x' }, { 'x5t#S256': 'x' }, {}, null, 'x'])('cnf %j → token.bound', async (cnf) => {
    expect(await outcome(await api.issuer.sign({ cnf }))).toBe('401 invalid_token token.bound')
  })
})

describe('§4 time, with 60 seconds of leeway', () => {
  test.each([
    ['59 s after exp', { exp: nowSeconds - 59 }, 200, undefined],
    ['60 s after exp', { exp: nowSeconds - 60 }, 401, 'token.expired'],
    ['an hour after exp', { exp: nowSeconds - 3600 }, 401, 'token.expired'],
    ['exp 0', { exp: 0, iat: 0 }, 401, 'token.expired'],
    ['60 s before nbf', { nbf: nowSeconds + 60 }, 200, undefined],
    ['61 s before nbf', { nbf: nowSeconds + 61 }, 401, 'token.not_yet_valid'],
    ['issued 60 s ahead', { iat: nowSeconds + 60 }, 200, undefined],
    ['issued 61 s ahead', { iat: nowSeconds + 61 }, 401, 'token.not_yet_valid'],
    ['issued 61 s ahead, nbf passed', { iat: nowSeconds + 61, nbf: nowSeconds }, 401, 'token.not_yet_valid'],
    ['a life of 24 hours', { exp: nowSeconds + 86_400 }, 200, undefined],
    ['a life of 24 hours and a second', { exp: nowSeconds + 86_401 }, 401, 'token.lifetime'],
  ] as const)('%s → %o %i %s', async (_title, claims, status, reason) => {
    const before = api.refusals.length
    expect((await api.call(await api.issuer.sign(claims))).status).toBe(status)
    expect(api.refusals.slice(before)).toEqual(reason === undefined ? [] : [reason])
  })

  test('the tolerance is what was configured', async () => {
    await using strict = await startProtectedApi({ clockToleranceSeconds: 0 })
    expect((await strict.call(await strict.issuer.sign({ exp: nowSeconds + 1 }))).status).toBe(200)
    expect((await strict.call(await strict.issuer.sign({ exp: nowSeconds }))).status).toBe(401)
    expect(strict.refusals).toEqual(['token.expired'])
  })

  test('a clock that returns no number opens nothing', async () => {
    await using broken = await startProtectedApi({ now: () => Number.NaN })
    expect((await broken.call(await broken.issuer.sign())).status).toBe(503)
  })

  test('a clock that throws is a fault, which opens nothing and tells nothing', async () => {
    await using broken = await startProtectedApi({
      now: () => {
        throw new RangeError('secret of the clock')
      },
    })
    const answer = await broken.call(await broken.issuer.sign())
    expect([answer.status, answer.json['code'], broken.refusals]).toEqual([500, 'server_error', ['guard.fault']])
    expect(answer.text + JSON.stringify(broken.events)).not.toContain('secret')
  })

  test('nor does a clock that begins to throw end the process, by a rejection that nobody takes', async () => {
    const untaken: unknown[] = []
    const note = (error: unknown): void => void untaken.push(error)
    process.on('unhandledRejection', note)
    await using issuer = await startTestIssuer({ audience, scope: readScope })
    for (const hasRevocations of [true, false]) {
      let isBroken = false
      const now = (): number => {
        if (isBroken) throw new RangeError('secret of the clock')
        return Date.now()
      }
      issuer.intercept = ({ url }, response) =>
        hasRevocations || !url?.startsWith('/oauth2/revocations') ? 'pass' : void response.writeHead(500).end()
      await using guard = createGuard({ issuer: issuer.issuer, audience, resourceServer: 'configurations', now })
      const requirement = guard.declare({ scopes: [readScope] })
      await guard.start()
      expect(guard.missing()).toEqual(hasRevocations ? [] : ['revocations'])
      isBroken = true
      const verdict = await guard.verify({ authorization: [`Bearer ${await issuer.sign()}`] }, requirement)
      expect(verdict).toMatchObject({ ok: false, refusal: { reason: 'guard.fault' } })
      await guard.start()
    }
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', note)
    expect(untaken).toEqual([])
  })
})

describe('§2.2.3 scope', () => {
  test.each([
    undefined,
    '',
    'configurations/configurations.readx',
    'configurations/configurations.rea',
    'configurations/configurations',
    'configurations/configurations.*',
    'configurations/*',
    '*',
    'configurations.read',
    '/configurations.read',
    'xconfigurations/configurations.read',
    'other/configurations.read',
    'configurations.evil/configurations.read',
    'Configurations/configurations.read',
    'configurations/Configurations.Read',
    'configurations//configurations.read',
    'x/configurations/configurations.read',
    'configurations/configurations.read/x',
    writeScope,
  ])('%s → 403 scope.insufficient', async (scope) => {
    expect(await outcome(await api.issuer.sign({ scope }))).toBe('403 insufficient_scope scope.insufficient')
  })

  test('a route with two scopes needs both', async () => {
    for (const [scope, status] of [
      [readScope, 403],
      [writeScope, 403],
      [`${writeScope} ${readScope}`, 200],
    ] as const) {
      expect((await api.call(await api.issuer.sign({ scope }), '/write')).status).toBe(status)
    }
  })
})
