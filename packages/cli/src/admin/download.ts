import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import type { AdminScope } from '@latchkey/admin-contract'
import { adminPrefix } from '@latchkey/admin-contract/routes'
import { Failure } from '../failure.ts'
import type { Connection } from './connection.ts'

/** How long the server may be silent, in milliseconds. */
const silenceMs = 60_000

/**
 * Asks for something that is a stream and no JSON. Resolves with an answer of 200, whose end is an error when it was broken off. Fails with the
 * server's problem, `server.not_running`, `server.no_answer`.
 */
export async function openDownload(connection: Connection, path: string, scope: AdminScope): Promise<IncomingMessage> {
  const headers = await connection.authorization(scope)
  return new Promise((resolve, reject) => {
    const sent = connection.begin({ method: 'GET', path: adminPrefix + path, timeout: silenceMs, headers })
    sent.once('timeout', () => sent.destroy(new Error(`silent for ${silenceMs / 1000} s`)))
    sent.once('error', (error) => {
      reject(connection.describeError(error))
    })
    sent.once('response', (response) => {
      if (response.statusCode === 200) resolve(response)
      else text(response).then((body) => reject(refusalOf(connection, response.statusCode, body)), reject)
    })
    sent.end()
  })
}

function refusalOf(connection: Connection, status: number | undefined, body: string): Failure {
  try {
    const { reason, detail } = JSON.parse(body) as { reason?: unknown; detail?: unknown }
    if (typeof reason === 'string' && typeof detail === 'string') {
      return new Failure(1, reason, detail, 'look at the log of the server; `latchkey doctor` may say more')
    }
  } catch {
    // Answered below.
  }
  return connection.notLatchkey(`status ${status}`)
}
