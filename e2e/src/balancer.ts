import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A server behind the balancer. */
export interface Backend {
  readonly publicUrl: string
  readonly adminUrl: string
}

/** A load balancer as they are: keeps connections alive, asks for readiness at intervals, and never sends a request twice. */
export interface Balancer {
  readonly url: string
  add(backend: Backend): void
  remove(backend: Backend): void
  /** Whether the backend is sent requests. */
  isUp(backend: Backend): boolean
  /** How many requests it has had. */
  count(backend: Backend): number
  close(): Promise<void>
}

/** `everyMs`: how often it asks; one answer that is not 200 takes a server out. */
export async function startBalancer(everyMs: number): Promise<Balancer> {
  const known = new Map<Backend, { up: boolean; count: number; readonly agent: Agent }>()
  let turn = 0

  const ask = async (backend: Backend): Promise<void> => {
    const ready = await fetch(`${backend.adminUrl}/readyz`).then(
      ({ status }) => status === 200,
      () => false,
    )
    const state = known.get(backend)
    if (state !== undefined) state.up = ready
  }
  const timer = setInterval(() => {
    for (const backend of known.keys()) void ask(backend)
  }, everyMs)

  const pass = (incoming: IncomingMessage, response: ServerResponse): void => {
    const up = [...known].filter(([, state]) => state.up)
    const [backend, state] = up[turn++ % up.length] ?? []
    if (backend === undefined || state === undefined) {
      response.writeHead(503).end('no server is up')
      return
    }
    state.count++
    const { url = '/', method, headers } = incoming
    const outgoing = request(new URL(url, backend.publicUrl), { agent: state.agent, method, headers }, (answer) => {
      const { connection: _, 'keep-alive': __, ...kept } = answer.headers
      response.writeHead(answer.statusCode ?? 502, kept)
      answer.pipe(response)
    })
    outgoing.once('error', (error) => {
      if (!response.headersSent) response.writeHead(502)
      response.end(error.message)
    })
    incoming.pipe(outgoing)
  }
  const server = createServer(pass)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    add(backend) {
      known.set(backend, { up: false, count: 0, agent: new Agent({ keepAlive: true }) })
      void ask(backend)
    },
    remove(backend) {
      known.get(backend)?.agent.destroy()
      known.delete(backend)
    },
    isUp: (backend) => known.get(backend)?.up === true,
    count: (backend) => known.get(backend)?.count ?? 0,
    async close() {
      clearInterval(timer)
      for (const { agent } of known.values()) agent.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
