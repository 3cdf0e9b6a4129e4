import { accessTokenType, authorizationServerMetadataUrl, endpointPaths } from '@latchkey/protocol'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Claims or header parameters to set, or with `undefined` to leave out. */
export type TestMembers = Readonly<Record<string, unknown>>

/** A real issuer on a loopback port, for tests of an API: metadata, keys, and as many tokens as wanted. Never for production. */
export interface TestIssuer extends AsyncDisposable {
  readonly issuer: string
  /** Signs a token that is good for an hour; `claims` and `header` are written over the usual ones. */
  sign(claims?: TestMembers, header?: TestMembers): Promise<string>
  /** Replaces the signing key, and the published one with it. */
  rotate(): Promise<void>
  /** The published key set, as it is served. */
  readonly keySet: { keys: JWK[] }
  /** Paths that were asked for, in order. */
  readonly requests: readonly string[]
  /** When set, answers in place of the issuer. */
  intercept: ((request: IncomingMessage, response: ServerResponse) => void) | undefined
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
}

/** Starts a test issuer on any free port of 127.0.0.1. */
export async function startTestIssuer(options: TestIssuerOptions): Promise<TestIssuer> {
  const { audience, scope, now = Date.now, algorithm = 'ES256' } = options
  const requests: string[] = []
  const keySet: { keys: JWK[] } = { keys: [] }
  let signing: { keyId: string; key: CryptoKey }

  const rotate = async (): Promise<void> => {
    const { privateKey, publicKey } = await generateKeyPair(algorithm)
    const keyId = randomUUID()
    signing = { keyId, key: privateKey }
    keySet.keys = [{ ...(await exportJWK(publicKey)), kid: keyId, alg: algorithm, use: 'sig' }]
  }
  await rotate()

  const server = createServer((request, response) => {
    requests.push(request.url ?? '')
    if (testIssuer.intercept !== undefined) return testIssuer.intercept(request, response)
    const body = documents[request.url ?? '']
    if (body === undefined) return void response.writeHead(404).end()
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'max-age=300' })
    response.end(JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const documents: Record<string, unknown> = {
    [new URL(authorizationServerMetadataUrl(issuer)).pathname]: { issuer, jwks_uri: issuer + endpointPaths.jwks },
    [endpointPaths.jwks]: keySet,
  }

  const close = async (): Promise<void> => {
    if (!server.listening) return
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }

  const testIssuer: TestIssuer = {
    issuer,
    keySet,
    requests,
    intercept: undefined,
    rotate,
    sign(claims, header) {
      const iat = Math.floor(now() / 1000)
      const usual = { iss: issuer, sub: 'test-client', client_id: 'test-client', aud: audience, scope }
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
