import { createHash, X509Certificate } from 'node:crypto'
import { Agent } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProxyDeclaration } from '@latchkey/guard'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isHere } from '../guide-samples.ts'
import { pastProxy, throughProxy, type Answer, type Call } from './call.ts'
import type { ProxyProcess } from './proxy-process.ts'
import { mtlsUrl, selfSigned, setStage, type Client, type Identity, type Stage } from './stage.ts'

/** A proxy that these tests can stand behind. */
export interface TestedProxy {
  /** As apt-get and the command line know it. */
  readonly name: string
  readonly version: readonly string[]
  /** What its configuration in examples/proxies says in its head. */
  readonly headers: Required<Pick<ProxyDeclaration, 'addressHeader' | 'certificateHeader'>>
  start(stage: Stage): Promise<ProxyProcess>
}

/** How each header is written. */
const spellings = {
  'client-cert': ({ raw }: X509Certificate) => `:${raw.toString('base64')}:`,
  'x-ssl-client-cert': (x509: X509Certificate) => encodeURIComponent(x509.toString()),
  'x-ssl-client-der': ({ raw }: X509Certificate) => raw.toString('base64'),
} as const

/**
 * The token endpoint and an API with guard behind a real proxy that ends TLS: what works with a certificate, and beside it what is refused. A proxy that is not on this machine
 * is skipped, and counted so.
 */
export async function testBehind(proxy: TestedProxy): Promise<void> {
  const isThere = (await isHere(proxy.name, ...proxy.version)) && (await isHere('openssl', 'version'))
  if (!isThere) console.warn(`${proxy.name}, or openssl, is not on this machine: apt-get install ${proxy.name} openssl`)
  describe.skipIf(!isThere)(`behind ${proxy.name}`, () => {
    describeBehind(proxy)
  })
}

function describeBehind(proxy: TestedProxy): void {
  let stage: Stage
  let running: ProxyProcess
  let issued: Client
  let other: Client
  beforeAll(async () => {
    stage = await setStage(proxy.headers)
    running = await proxy.start(stage)
    issued = await stage.createClient('mtls')
    other = await stage.createClient('mtls')
  })
  afterAll(async () => {
    await running.stop()
    await stage[Symbol.asyncDispose]()
  })

  let callers = 0
  /** An address that nobody had before: what is refused to one is not held against another. */
  const newAddress = (): string => {
    callers += 1
    return `127.0.${1 + (callers >> 7)}.${1 + (callers & 127)}`
  }

  const tokenForm = ({ id, secret }: Pick<Client, 'id' | 'secret'>): string =>
    `grant_type=client_credentials&client_id=${id}${secret === '' ? '' : `&client_secret=${secret}`}`

  const askToken = (by: Pick<Client, 'id' | 'secret'>, call: Call = {}): Promise<Answer> =>
    throughProxy(stage, 'login', { path: '/oauth2/token', body: tokenForm(by), from: newAddress(), ...call })

  const tokenOf = async (client: Client, identity?: Identity): Promise<string> => {
    const { status, body } = await askToken(client, { identity })
    expect([status, body]).toMatchObject([200, { token_type: 'Bearer' }])
    return String(body['access_token'])
  }

  const callApi = (token: string, call: Call = {}): Promise<Answer> =>
    throughProxy(stage, 'api', { ...call, lines: ['Authorization', `Bearer ${token}`, ...(call.lines ?? [])] })

  const refused = async (answer: Promise<Answer>): Promise<void> => {
    expect(await answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
  }

  describe('the token endpoint', () => {
    test('a certificate that was issued to the client gets a token that is bound to it; another, a stranger’s or none does not', async () => {
      expect(boundTo(await tokenOf(issued, issued.identity))).toBe(thumbprintOf(issued.identity))
      await refused(askToken(issued, { identity: other.identity }))
      await refused(askToken(issued, { identity: await selfSigned(stage.directory, 'stranger', 'partner') }))
      await refused(askToken(issued))
    })

    test('a registered key likewise', async () => {
      const client = await stage.createClient('self-signed-mtls')
      expect(boundTo(await tokenOf(client, client.identity))).toBe(thumbprintOf(client.identity))
      await refused(askToken(client, { identity: issued.identity }))
      await refused(askToken(client, { identity: await selfSigned(stage.directory, 'stranger', 'partner') }))
      await refused(askToken(client))
    })

    test('a secret with a certificate beside it takes both', async () => {
      const client = await stage.createClient('secret-and-certificate')
      expect(boundTo(await tokenOf(client, client.identity))).toBe(thumbprintOf(client.identity))
      await refused(askToken(client))
      await refused(askToken(client, { identity: other.identity }))
      await refused(askToken({ id: client.id, secret: '' }, { identity: client.identity }))
    })

    test('a secret alone needs none, and is bound to none that comes', async () => {
      const client = await stage.createClient('secret')
      expect(boundTo(await tokenOf(client))).toBeUndefined()
      expect(boundTo(await tokenOf(client, other.identity))).toBeUndefined()
    })

    test('the metadata names the proxy, and /ca/renew is there', async () => {
      const { body } = await throughProxy(stage, 'login', { path: '/.well-known/oauth-authorization-server' })
      expect(body).toMatchObject({ mtls_endpoint_aliases: { token_endpoint: `${mtlsUrl}/oauth2/token` } })
      const csr = { path: '/ca/renew', body: 'no request', from: newAddress() }
      expect((await throughProxy(stage, 'login', csr)).status).toBe(401)
      expect((await throughProxy(stage, 'login', { ...csr, identity: issued.identity })).status).toBe(400)
    })
  })

  describe('the API', () => {
    test('a bound token is taken with its certificate, and with no other and none', async () => {
      const token = await tokenOf(issued, issued.identity)
      expect(await callApi(token, { identity: issued.identity })).toMatchObject({ status: 200 })
      expect(await callApi(token, { identity: other.identity })).toMatchObject({ status: 401 })
      expect(await callApi(token)).toMatchObject({ status: 401 })
    })

    test('a token that is bound to nothing is taken with any', async () => {
      const token = await tokenOf(await stage.createClient('secret'))
      for (const identity of [undefined, other.identity])
        expect(await callApi(token, { identity })).toMatchObject({ status: 200 })
    })
  })

  describe('the address', () => {
    const forged = [
      'X-Forwarded-For: 203.0.113.9',
      'x-forwarded-for: 203.0.113.9, 127.0.0.1',
      'X-Forwarded-For: 203.0.113.9\nX-FORWARDED-FOR: 198.51.100.9',
      'X_Forwarded_For: 203.0.113.9',
      'Forwarded: for=203.0.113.9',
      'X-Real-IP: 203.0.113.9',
      'X-Real-Ip: 203.0.113.9\nX-Real-IP: 127.0.0.1',
      'X_Real_IP: 203.0.113.9',
      'True-Client-IP: 203.0.113.9',
      'CF-Connecting-IP: 203.0.113.9',
    ]

    test.each(['', ...forged])('is the caller’s, whatever it says of itself: %j', async (said) => {
      const lines = linesOf(said)
      const from = newAddress()
      await refused(askToken(issued, { from, lines }))
      expect(await stage.latestRefusal()).toMatchObject({ address: from })
      const token = await tokenOf(await stage.createClient('secret'))
      expect(await callApi(token, { from, lines })).toMatchObject({ status: 200, body: { address: from } })
    })

    test.each(forged)('past the proxy it is the connection’s: %j', async (said) => {
      const lines = linesOf(said)
      const from = newAddress()
      const asked = { path: '/oauth2/token', body: tokenForm(issued), from, lines }
      await refused(pastProxy(stage, 'login', asked))
      expect(await stage.latestRefusal()).toMatchObject({ address: from })
      const token = await tokenOf(await stage.createClient('secret'))
      const call = { from, lines: ['Authorization', `Bearer ${token}`, ...lines] }
      expect(await pastProxy(stage, 'api', call)).toMatchObject({ status: 200, body: { address: from } })
    })
  })

  describe('a certificate that is only written down', () => {
    const names = Object.keys(spellings) as (keyof typeof spellings)[]
    const spelled = names.flatMap((name) => [
      [name, name] as const,
      [name, name.toUpperCase()] as const,
      [name, name.replaceAll('-', '_')] as const,
      [name, name.replace('-', '_').toUpperCase()] as const,
      [name, `X-${name}`] as const,
    ])
    const written = (name: keyof typeof spellings, { cert }: Identity): string =>
      spellings[name](new X509Certificate(cert))

    test.each(spelled)('says nothing, as %s in %s, through the proxy or past it', async (name, header) => {
      const token = await tokenOf(issued, issued.identity)
      const value = written(name, issued.identity)
      for (const lines of [
        [header, value],
        [header, value, header, value],
        [header.toLowerCase(), value, header, written(name, other.identity)],
      ]) {
        for (const identity of [undefined, other.identity]) {
          await refused(askToken(issued, { lines, identity }))
          expect(await callApi(token, { lines, identity })).toMatchObject({ status: 401 })
        }
        await refused(
          pastProxy(stage, 'login', { path: '/oauth2/token', body: tokenForm(issued), from: newAddress(), lines }),
        )
        const past = { from: newAddress(), lines: ['Authorization', `Bearer ${token}`, ...lines] }
        expect(await pastProxy(stage, 'api', past)).toMatchObject({ status: 401 })
      }
      // And the caller's own, beside it, still counts.
      expect(
        await askToken(issued, { lines: [header, written(name, other.identity)], identity: issued.identity }),
      ).toMatchObject({
        status: 200,
      })
    })
  })

  describe('a revoked certificate', () => {
    test.each(['kept-alive', 'resumed'] as const)(
      'is refused from the next request on, over a connection that is %s',
      async (kind) => {
        const client = await stage.createClient('mtls')
        const { identity } = client
        const agents = {
          login: new Agent({ keepAlive: kind === 'kept-alive', maxSockets: 1 }),
          api: new Agent({ keepAlive: kind === 'kept-alive', maxSockets: 1 }),
        }
        const ask = (): Promise<Answer> => askToken(client, { identity, agent: agents.login, from: '127.0.0.3' })
        const first = await ask()
        expect(first.status).toBe(200)
        const token = String(first.body['access_token'])
        const callIt = (): Promise<Answer> => callApi(token, { identity, agent: agents.api, from: '127.0.0.3' })
        const firstCall = await callIt()
        expect(firstCall.status).toBe(200)
        // The same connection; or another, with the session of the first.
        const expected = kind === 'kept-alive' ? [true, false] : [false, true]
        const isSame = (before: Answer, after: Answer): void => {
          expect([after.localPort === before.localPort, after.isResumed]).toEqual(expected)
        }
        const [second, secondCall] = [await ask(), await callIt()]
        expect([second.status, secondCall.status]).toEqual([200, 200])
        isSame(first, second)
        isSame(firstCall, secondCall)

        await stage.revoke(client.serial)
        const third = await ask()
        expect(third).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
        isSame(first, third)
        expect(await stage.latestRefusal()).toMatchObject({ reason: 'authentication.certificate_revoked' })
        // The API hears of it by the feed.
        let thirdCall = await callIt()
        for (let waited = 0; thirdCall.status === 200 && waited < 40; waited++) {
          await sleep(50)
          thirdCall = await callIt()
        }
        expect(thirdCall.status).toBe(401)
        isSame(firstCall, thirdCall)
        agents.login.destroy()
        agents.api.destroy()
      },
    )
  })
}

/** `Name: value`, a line each → name, value, name, value … */
function linesOf(text: string): string[] {
  return text === '' ? [] : text.split('\n').flatMap((line) => line.split(': '))
}

function thumbprintOf({ cert }: Identity): string {
  return createHash('sha256').update(new X509Certificate(cert).raw).digest('base64url')
}

/** `cnf` of a token that the test has just got: not verified. */
function boundTo(token: string): string | undefined {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
    cnf?: { 'x5t#S256'?: string }
  }
  return claims.cnf?.['x5t#S256']
}
