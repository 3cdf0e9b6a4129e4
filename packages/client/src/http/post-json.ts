import { request as requestPlain } from 'node:http'
import { request as requestTls } from 'node:https'
import { Failure } from '../failure.ts'
import { authorityVariable, isDistrust, trustedAuthority } from './trusted-authority.ts'

export interface JsonAnswer {
  readonly status: number
  /** Throws SyntaxError for what is no JSON. */
  json(): unknown
}

const patienceMs = 20_000
/** Longer than any answer of ours. */
const maxBytes = 1_048_576

/**
 * POSTs JSON. Redirects are not followed: what is sent is for this server and no other. Throws Failure `server_untrusted` when the server's certificate is not
 * believed, before anything is sent; and whatever else is in the way of an answer.
 */
export function postJson(url: string, body: object): Promise<JsonAnswer> {
  const ca = trustedAuthority()
  const text = JSON.stringify(body)
  const options = {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
    signal: AbortSignal.timeout(patienceMs),
    agent: false,
  } as const
  return new Promise((resolve, reject) => {
    const { protocol, host } = new URL(url)
    const outgoing =
      protocol === 'https:'
        ? requestTls(url, ca === undefined ? options : { ...options, ca })
        : requestPlain(url, options)
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = []
      let length = 0
      incoming.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > maxBytes) outgoing.destroy(new Error('the answer is too long'))
        else chunks.push(chunk)
      })
      incoming.on('error', reject)
      incoming.on('end', () => {
        if (!incoming.complete) {
          reject(new Error('the answer was cut off'))
          return
        }
        const answer = Buffer.concat(chunks).toString('utf8')
        resolve({ status: incoming.statusCode ?? 0, json: () => JSON.parse(answer) as unknown })
      })
    })
    outgoing.on('error', (error) => reject(isDistrust(error) ? untrusted(host, ca !== undefined, error) : error))
    outgoing.end(text)
  })
}

function untrusted(host: string, isPinned: boolean, cause: Error): Failure {
  const { code = '' } = cause as NodeJS.ErrnoException
  return new Failure(
    1,
    'server_untrusted',
    isPinned
      ? `the certificate of ${host} is not by an authority in the file of ${authorityVariable}, or not for this name (${code}): nothing was sent`
      : `the certificate of ${host} is not believed (${code}): nothing was sent`,
    isPinned
      ? 'compare the file with what the team gave you; do not go on without that'
      : `if the server has an authority of its own, name its file in ${authorityVariable}`,
    { cause },
  )
}
