import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose'
import type { Config } from '../config/config.ts'
import { adminSender, type SendAdmin } from '../admin-api/testing/admin-request.ts'
import { postForm, send, startTestServer, type TestServer } from '../testing/start-test-server.ts'

interface ClientOfTest {
  readonly clientId: string
  readonly clientSecret: string
}

/** A server with one client, and what a test of its signing keys asks of it. */
export interface KeyedServer {
  readonly server: TestServer
  readonly admin: SendAdmin
  readonly client: ClientOfTest
  readonly token: () => Promise<string>
  readonly introspect: (token: string) => Promise<boolean>
  readonly jwks: () => Promise<JSONWebKeySet>
  /** Names of the administrative events so far, with their subjects, oldest first. */
  readonly keyEvents: () => Promise<string[]>
}

const audience = 'https://configurations.example.com'

/** `server` is one that is new, or that was stopped and started again. */
export async function keyedServer(server: TestServer, client?: ClientOfTest): Promise<KeyedServer> {
  if (client === undefined) await server.registerApi('configurations', ['read'], { audience })
  const { clientId, clientSecret } =
    client ?? (await server.registerClient(['configurations/read'], { tokenTtlSeconds: 86_400 }))
  const form = { client_id: clientId, client_secret: clientSecret }
  const admin = adminSender(server.adminSocket)
  // Its issuer may be a name that leads elsewhere.
  const origin = `http://127.0.0.1:${server.publicPort}`
  return {
    server,
    admin,
    client: { clientId, clientSecret },
    async token() {
      const answer = await postForm(`${origin}/oauth2/token`, { ...form, grant_type: 'client_credentials' })
      if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`)
      return answer.json<{ access_token: string }>().access_token
    },
    async introspect(token) {
      const answer = await postForm(`${origin}/oauth2/introspect`, { ...form, token })
      return answer.json<{ active: boolean }>().active
    },
    jwks: async () => (await send(`${origin}/oauth2/jwks`)).json<JSONWebKeySet>(),
    async keyEvents() {
      const { body } = await admin('GET', '/audit/events?limit=200')
      const items = body['items'] as { event: string; subject: string }[]
      return items
        .filter(({ event }) => event.startsWith('key.'))
        .map(({ event, subject }) => `${event} ${subject}`)
        .toReversed()
    },
  }
}

/** A new server with one client. */
export async function startKeyedServer(config: Partial<Config> = {}): Promise<KeyedServer> {
  return keyedServer(await startTestServer(config))
}

/** Verifies as another implementation would with this copy of the keys, at this time. */
export async function verifies(token: string, jwks: JSONWebKeySet, at: number): Promise<boolean> {
  const options = { audience, typ: 'at+jwt', currentDate: new Date(at) }
  return jwtVerify(token, createLocalJWKSet(jwks), options).then(
    () => true,
    () => false,
  )
}

export function kidOf(token: string): string {
  return decodeProtectedHeader(token).kid ?? ''
}
