import { decodeJwt } from 'jose'
import { adminSender, type AdminAnswer } from '../admin-api/testing/admin-request.ts'
import type { Config } from '../config/config.ts'
import {
  postForm,
  send,
  startTestServer,
  type Answer,
  type TestClock,
  type TestServer,
} from '../testing/start-test-server.ts'

/** A client with its secret, and where it calls from by itself. */
export interface TestPartner {
  readonly clientId: string
  readonly clientSecret: string
}

/** A server behind a proxy on this machine, which says where callers are. */
export interface ProxiedServer {
  readonly server: TestServer
  admin(method: string, path: string, body?: unknown): Promise<AdminAnswer>
  /** Registers a client with these scopes and this policy. */
  register(scopes: readonly string[], network?: object): Promise<TestPartner>
  /** Asks for a token as if from this address. */
  token(partner: TestPartner, address: string, parameters?: Record<string, string>): Promise<Answer>
  get(path: string, partner: TestPartner, address: string, headers?: Record<string, string>): Promise<Answer>
  post(path: string, partner: TestPartner, address: string, parameters: Record<string, string>): Promise<Answer>
}

export async function startBehindProxy(overrides: Partial<Config> = {}, clock?: TestClock): Promise<ProxiedServer> {
  const server = await startTestServer(
    { proxies: [{ networks: ['127.0.0.1'], addressHeader: 'x-forwarded-for' }], ...overrides },
    clock,
  )
  const socket = adminSender(server.adminSocket)
  const headersOf = (partner: TestPartner, address: string) => ({
    Authorization: basic(partner),
    'X-Forwarded-For': address,
  })
  const proxied: ProxiedServer = {
    server,
    admin: (method, path, body) => socket(method, path, body === undefined ? {} : { body }),
    async register(scopes, network) {
      const body = { name: 'Partner', scopes, show_secret: true, network }
      const made = await proxied.admin('POST', '/clients', body)
      if (made.status !== 201) throw new Error(made.text)
      return { clientId: String(made.body['client_id']), clientSecret: String(made.body['client_secret']) }
    },
    token: (partner, address, parameters = {}) =>
      proxied.post('/oauth2/token', partner, address, { grant_type: 'client_credentials', ...parameters }),
    get: (path, partner, address, headers = {}) =>
      send(server.publicUrl + path, { headers: { ...headersOf(partner, address), ...headers } }),
    post: (path, partner, address, parameters) =>
      postForm(server.publicUrl + path, parameters, headersOf(partner, address)),
  }
  return proxied
}

export function basic({ clientId, clientSecret }: TestPartner): string {
  return `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`
}

/** The claims of the token in an answer. */
export function claimsOf(answer: Answer): Record<string, unknown> {
  return decodeJwt(String(answer.json()['access_token']))
}
