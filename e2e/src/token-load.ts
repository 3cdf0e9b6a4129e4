import { Agent, request } from 'node:http'

export interface TokenLoad {
  /** So far: how many requests ended how, by status or by what went wrong. */
  readonly outcomes: () => Readonly<Record<string, number>>
  /** Lets the last requests end, and answers how all of them did. */
  stop(): Promise<Readonly<Record<string, number>>>
}

/** Asks for tokens without a pause over `connections` kept connections. A request that fails is counted, and never sent again. */
export function startTokenLoad(
  url: string,
  by: { readonly client_id: string; readonly client_secret: string },
  connections: number,
): TokenLoad {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const headers = {
    'Content-Type': 'application/x-www-form-urlencoded',
    Authorization: `Basic ${Buffer.from(`${by.client_id}:${by.client_secret}`).toString('base64')}`,
  }
  const outcomes: Record<string, number> = {}
  const until = new AbortController()
  const ask = (): Promise<string> =>
    new Promise((resolve) => {
      const outgoing = request(url, { agent, method: 'POST', headers }, (answer) => {
        answer.resume()
        answer.once('end', () => resolve(answer.complete ? String(answer.statusCode) : 'cut off'))
        answer.once('error', (error) => resolve(error.message))
      })
      outgoing.once('error', (error) => resolve(error.message))
      outgoing.end('grant_type=client_credentials')
    })
  const asking = Array.from({ length: connections }, async () => {
    while (!until.signal.aborted) {
      const outcome = await ask()
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
      await new Promise((next) => setTimeout(next, 5))
    }
  })
  return {
    outcomes: () => outcomes,
    async stop() {
      until.abort()
      await Promise.all(asking)
      agent.destroy()
      return outcomes
    },
  }
}
