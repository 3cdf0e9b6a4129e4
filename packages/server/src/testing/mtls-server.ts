import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { TLSSocket } from 'node:tls'
import type { SendAdmin } from '../admin-api/testing/admin-request.ts'
import { developmentRootFile } from '../composition/mtls.ts'
import { keyPem, makeTestCsr, makeTestKey, type TestIdentity, type TestKey } from './certificates.ts'
import { startTestServer, testClock, type Answer, type TestServer } from './start-test-server.ts'

/** A server with a listener that asks for certificates. By the clock of the machine: so TLS clients judge certificates. */
export function startMtlsServer(overrides: Parameters<typeof startTestServer>[0] = {}): Promise<TestServer> {
  const mtls = { url: undefined, listener: { port: 0, files: undefined } }
  return startTestServer({ mtls, ...overrides }, testClock(Date.now()))
}

export interface MtlsCaller {
  /** Absent: comes without a certificate. */
  readonly identity?: TestIdentity | undefined
  /** Keeps its connections; absent: each request has its own. */
  readonly agent?: Agent
  readonly headers?: Readonly<Record<string, string>>
  /** One of this machine's loopback addresses, to come from. */
  readonly localAddress?: string
}

export interface MtlsAnswer extends Answer {
  /** Whether the connection began with the session of an earlier one. */
  readonly isResumed: boolean
}

/** What a caller trusts the server by. */
export function serverRoot(server: TestServer): string {
  return readFileSync(developmentRootFile(server.config), 'utf8')
}

/** POSTs a form over TLS with the caller's certificate. */
export function postMtls(
  server: TestServer,
  path: string,
  form: Readonly<Record<string, string>>,
  { identity, agent, headers = {}, localAddress }: MtlsCaller = {},
): Promise<MtlsAnswer> {
  const { origin } = new URL(server.mtlsTokenEndpoint ?? '')
  const body = new URLSearchParams(form).toString()
  return new Promise((resolve, reject) => {
    const outgoing = request(origin + path, {
      method: 'POST',
      ca: serverRoot(server),
      agent: agent ?? new Agent({ keepAlive: false }),
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
      ...(localAddress && { localAddress }),
      ...identity,
    })
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('error', reject)
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const { socket } = incoming
        resolve({
          isResumed: socket instanceof TLSSocket && socket.isSessionReused(),
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          text,
          json: () => JSON.parse(text) as never,
        })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** Registers a client over the admin API; answers its id, and its secret where it has one. */
export async function createClientOver(
  admin: SendAdmin,
  authentication: 'secret' | 'secret-and-certificate' | 'mtls' | 'self-signed-mtls',
  scopes: readonly string[] = ['configurations/read'],
): Promise<{ readonly clientId: string; readonly clientSecret: string }> {
  const bySecret = authentication.startsWith('secret')
  const answer = await admin('POST', '/clients', {
    body: { name: 'Partner', scopes, authentication, ...(bySecret ? { show_secret: true } : {}) },
  })
  if (answer.status !== 201) throw new Error(JSON.stringify(answer))
  const { client_id: clientId, client_secret: clientSecret = '' } = answer.body as Record<string, string>
  return { clientId: clientId ?? '', clientSecret }
}

export interface IssuedIdentity extends TestIdentity {
  readonly serial: string
  readonly testKey: TestKey
  readonly chain: string
}

/** Has a certificate issued to a client for a key of its own. */
export async function issueTo(admin: SendAdmin, clientId: string, expiresIn?: number): Promise<IssuedIdentity> {
  const testKey = await makeTestKey()
  const answer = await admin('POST', `/clients/${clientId}/certificates`, {
    body: { csr: await makeTestCsr(testKey), ...(expiresIn === undefined ? {} : { expires_in: expiresIn }) },
  })
  if (answer.status !== 201) throw new Error(JSON.stringify(answer))
  const { certificate = '', chain = '', serial = '' } = answer.body as Record<string, string>
  return { cert: certificate + chain, key: await keyPem(testKey), serial, testKey, chain }
}
