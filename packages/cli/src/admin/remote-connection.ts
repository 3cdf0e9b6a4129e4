import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { AdminScope } from '@latchkey/admin-contract'
import { adminResourceServer } from '@latchkey/admin-contract/routes'
import { misuse } from '../failure.ts'
import { foreignAnswer, noAnswer, type Connection } from './connection.ts'
import { findTokenEndpoint, getToken, isSafeUrl } from './get-token.ts'
import type { RemoteCredentials } from './remote-credentials.ts'

/**
 * To an admin listener over the network, with tokens that this client gets for itself: for each scope that a command needs, one with that
 * scope and no other. Fails with `usage` when the URL is not one over which a token may be sent.
 */
export function remoteConnection(url: string, credentials: RemoteCredentials): Connection {
  const server = originOf(url)
  const begin = server.startsWith('https:') ? httpsRequest : httpRequest
  const tokens = new Map<AdminScope, Promise<string>>()
  let endpoint: Promise<string> | undefined
  return {
    begin: (options) => begin(server, options),
    async authorization(scope) {
      endpoint ??= findTokenEndpoint(server, credentials)
      const found = await endpoint
      const token = tokens.get(scope) ?? getToken(found, credentials, `${adminResourceServer}/${scope}`)
      tokens.set(scope, token)
      return { authorization: `Bearer ${await token}` }
    },
    describeError: (error) => noAnswer(server, error),
    notLatchkey: (what, options) =>
      foreignAnswer(what, 'check --server: it is the address of the admin listener', options),
  }
}

function originOf(value: string): string {
  const url = URL.parse(value)
  if (url === null || url.pathname !== '/' || /[?#]/.test(value)) {
    throw misuse(
      '--server is not the address of an admin listener',
      'for example --server https://admin.example.com:8401',
    )
  }
  if (!isSafeUrl(value)) {
    throw misuse(
      '--server must be https, or http on this machine: a token would be readable on the way',
      'use https, or a tunnel to a loopback address; credentials do not belong into the URL',
    )
  }
  return url.origin
}
