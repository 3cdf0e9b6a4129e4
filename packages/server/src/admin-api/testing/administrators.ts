import { postForm, type TestServer } from '../../testing/start-test-server.ts'
import { remoteSender, type SendAdmin } from './admin-request.ts'

/** An administrator's client, and what it can do with a token of its own. */
export interface Administrator {
  readonly clientId: string
  readonly clientSecret: string
  readonly token: string
  /** Calls the admin listener with that token. */
  readonly send: SendAdmin
}

/** Registers a client with these admin scopes (`clients.read`) and gets it a token with all of them. */
export async function administrator(server: TestServer, ...names: string[]): Promise<Administrator> {
  const scopes = names.map((name) => `latchkey/${name}`)
  const client = await server.registerClient(scopes)
  const token = await getToken(server, client, scopes.join(' '))
  return { ...client, token, send: remoteSender(server.adminUrl, token) }
}

/** A token from the token endpoint, as a client gets it. */
export async function getToken(
  server: TestServer,
  client: { readonly clientId: string; readonly clientSecret: string },
  scope?: string,
): Promise<string> {
  const answer = await postForm(server.tokenEndpoint, {
    grant_type: 'client_credentials',
    client_id: client.clientId,
    client_secret: client.clientSecret,
    ...(scope === undefined ? {} : { scope }),
  })
  if (answer.status !== 200) throw new Error(`no token: ${answer.text}`)
  return String(answer.json()['access_token'])
}
