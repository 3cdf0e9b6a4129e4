import { accessTokenType, authorizationServerMetadataUrl, credentialsClaim, endpointPaths } from '@latchkey/protocol'
import { decodeJwt, exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createTestFeed, type TestFeed } from './testing/test-feed.ts'
import {
  createTestResourceServer,
  serveTestResourceServer,
  type TestResourceServer,
} from './testing/test-resource-server.ts'

export type { TestFeed, TestRevocation } from './testing/test-feed.ts'
export type { TestResourceServer } from './testing/test-resource-server.ts'

/** Claims or header parameters to set, or with `undefined` to leave out. */
export type TestMembers = Readonly<Record<string, unknown>>

/**
 * A real issuer on a loopback port, for tests of an API: metadata, keys, revocations, and as many tokens as wanted. Never for production. What is revoked
 * is pushed at once, but has to travel: wait in the test until the API answers 401 (within a second).
 */
export interface TestIssuer extends AsyncDisposable {
  readonly issuer: string
  /** Signs a token that is good for an hour; `claims` and `header` are written over the usual ones. */
  sign(claims?: TestMembers, header?: TestMembers): Promise<string>
  /** Replaces the signing key, and the published one with it. */
  rotate(): Promise<void>
  /** Ends one token (by its `jti`), as its client can (RFC 7009). */
  revokeToken(token: string): void
  /** Ends all tokens signed so far, as when their client is disabled or their secret revoked. Tokens signed afterwards are good. */
  revokeCredential(): void
  /** Ends all tokens under the present signing key, and replaces it, as `latchkey key revoke` does. */
  revokeKey(): Promise<void>
  /** The published key set, as it is served. */
  readonly keySet: { keys: JWK[] }
  /** The revocation feed, for what the methods above do not do. */
  readonly feed: TestFeed
  /** Endpoint rules and network policies, as the issuer answers them to the API under test. */
  readonly resourceServer: TestResourceServer
  /** Paths that were asked for, in order, with their queries. */
  readonly requests: readonly string[]
  /** When set, answers in place of the issuer; returning `'pass'` leaves a request to it. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => void | 'pass') | undefined
  /** Ends all connections, streams included, and goes on answering. */
  cutConnections(): void
  close(): Promise<void>
}

export interface TestIssuerOptions {
  /** The `aud` of its tokens. */
  readonly audience: string
  /** The `scope` of its tokens. */
  readonly scope: string
  /** Milliseconds since the epoch. Default: the system clock. */
  readonly now?: () => number
  /** Default ES256. */
  readonly algorithm?: string
  /** Default: any free one. To begin again where another test issuer was. */
  readonly port?: number
}

/** The credential that tokens name, unless a test says otherwise. */
const credentialReference = 'test-credential'

/** Starts a test issuer on 127.0.0.1. */
export async function startTestIssuer(options: TestIssuerOptions): Promise<TestIssuer> {
  const { audience, scope, now = Date.now, algorithm = 'ES256', port = 0 } = options
  const requests: string[] = []
  const keySet: { keys: JWK[] } = { keys: [] }
  const feed = createTestFeed(() => issuer, now)
  const resourceServer = createTestResourceServer()
  let signing: { keyId: string; key: CryptoKey }
  let generation = now()

  const rotate = async (): Promise<void> => {
    const { privateKey, publicKey } = await generateKeyPair(algorithm)
    const keyId = randomUUID()
    signing = { keyId, key: privateKey }
    keySet.keys = [{ ...(await exportJWK(publicKey)), kid: keyId, alg: algorithm, use: 'sig' }]
  }
  await rotate()

  const server = createServer((request, response) => {
    requests.push(request.url ?? '')
    if (testIssuer.intercept !== undefined && testIssuer.intercept(request, response) !== 'pass') return
    const { pathname } = new URL(request.url ?? '/', issuer)
    if (pathname === endpointPaths.revocations) return feed.serve(request, response)
    if (pathname === endpointPaths.resourceServer) {
      return serveTestResourceServer(resourceServer, request, response)
    }
    const body = documents[pathname]
    if (body === undefined) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'max-age=300' })
    response.end(JSON.stringify(body))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const documents: Record<string, unknown> = {
    [new URL(authorizationServerMetadataUrl(issuer)).pathname]: {
      issuer,
      jwks_uri: issuer + endpointPaths.jwks,
      lk_revocations_uri: issuer + endpointPaths.revocations,
    },
    [endpointPaths.jwks]: keySet,
  }

  const close = async (): Promise<void> => {
    feed.close()
    if (!server.listening) return
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }

  const testIssuer: TestIssuer = {
    issuer,
    keySet,
    feed,
    resourceServer,
    requests,
    intercept: undefined,
    rotate,
    cutConnections: () => server.closeAllConnections(),
    revokeToken: (token) => feed.publish({ kind: 'jti', subject: decodeJwt(token).jti ?? '' }),
    revokeCredential() {
      generation = Math.max(generation + 1, now())
      feed.publish({ kind: 'credential', subject: credentialReference, minimum: generation })
    },
    async revokeKey() {
      const { keyId } = signing
      await rotate()
      feed.publish({ kind: 'kid', subject: keyId })
    },
    sign(claims, header) {
      const iat = Math.floor(now() / 1000)
      const usual = {
        iss: issuer,
        sub: 'test-client',
        client_id: 'test-client',
        aud: audience,
        scope,
        [credentialsClaim]: { [credentialReference]: generation },
      }
      const payload = { ...usual, iat, exp: iat + 3600, jti: randomUUID(), ...claims } as JWTPayload
      return new SignJWT(payload)
        .setProtectedHeader({ alg: algorithm, typ: accessTokenType, kid: signing.keyId, ...header })
        .sign(signing.key)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
  return testIssuer
}
