import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { isWithin, readNetworks } from '@latchkey/protocol/network'
import { GuardConfigurationError } from '../configuration-error.ts'
import type { GuardEvent } from '../events.ts'
import { createGuard, type Guard } from '../guard.ts'
import type { GuardOptions } from '../options.ts'
import type { Refusal } from '../refusal.ts'
import { savedStateFile } from '../saved-state/saved-state-file.ts'
import { serveAdministration } from './administration.ts'
import { GateMetrics } from './gate-metrics.ts'
import { proxyKinds, type ProxyKindName } from './proxy-kind.ts'
import { questionReader } from './read-question.ts'
import { RefusalLog, type WriteLine } from './refusal-log.ts'
import { writeDenial, writePassage } from './write-answer.ts'

export interface GateOptions {
  readonly issuer: string
  readonly audience: string
  readonly resourceServer: string
  /** Of the resource server, whose endpoint rules are followed. */
  readonly credential: NonNullable<GuardOptions['credential']>
  readonly algorithms?: GuardOptions['algorithms']
  readonly proxy: ProxyKindName
  /** Addresses of the proxies, as CIDRs: whoever else asks is refused. */
  readonly proxyNetworks: readonly string[]
  readonly host: string
  /** 0 for any free one, here and below. */
  readonly port: number
  readonly adminHost: string
  readonly adminPort: number
  /** Where keys, revocations, rules and policies are kept for the issuer's outage: a file in a folder that is there, and this user's alone. */
  readonly stateFile: string
  /** For how long all of it serves while nothing is heard of the issuer, in seconds. */
  readonly maxStalenessSeconds: number
  readonly maxRememberedTokens?: GuardOptions['maxRememberedTokens']
  /** Lines of the log, each one JSON. */
  readonly write: WriteLine
  /** Milliseconds since the epoch. Default: the system clock. */
  readonly now?: (() => number) | undefined
}

export interface RunningGate {
  /** Where proxies ask, without the path. */
  readonly url: string
  readonly adminUrl: string
  /** Not ready any more, and serving for `delayMs`; then it finishes what is under way, closes its connections, and keeps what it knows. */
  stop(delayMs: number): Promise<void>
}

/** Longest that a question under way may hold up the end, in milliseconds. */
const maxDrainMs = 5000

/**
 * Starts a gate: answers proxies whether a call may pass, by the token's signature, revocation, certificate, addresses and scopes, and by the endpoint rules of the
 * resource server. Does not wait for the issuer; until keys, revocations and rules are known, calls are answered with 503. Throws
 * {@link GuardConfigurationError}, and Node's errors when it cannot listen. What it does not see: the body of a call.
 */
export async function startGate(options: GateOptions): Promise<RunningGate> {
  const { write, now = Date.now } = options
  const readQuestion = questionReader(proxyKinds[options.proxy])
  const believed = readNetworks(options.proxyNetworks)
  const metrics = new GateMetrics()
  const log = new RefusalLog(write, now)
  const guard = openGuard(options, (event) => tell(event))
  const requirement = guard.declare('rules')
  let isStopping = false

  /** Connections are kept: who is at the other end is looked at once for each. */
  const known = new WeakMap<Socket, boolean>()
  function isProxy(socket: Socket): boolean {
    const before = known.get(socket)
    if (before !== undefined) return before
    const found = isWithin(believed, socket.remoteAddress ?? '')
    known.set(socket, found)
    return found
  }

  function tell(event: GuardEvent): void {
    // Refusals are logged below, where the request is known.
    if (event.type === 'request.refused') return
    if (event.type === 'request.reported') {
      metrics.reported(event.reason)
      return log.reported(event)
    }
    const level = /failed|ignored|not_saved/.test(event.type) ? 'warn' : 'info'
    write(JSON.stringify({ level, time: new Date(now()).toISOString(), msg: event.type, ...event }))
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const began = performance.now()
    if (!isProxy(request.socket)) {
      return deny({ reason: 'gate.not_the_proxy', requiredScopes: [] }, randomUUID())
    }
    const question = readQuestion(request)
    if (question === undefined) return deny({ reason: 'route.unknown', requiredScopes: [] }, randomUUID())
    const { facts, requestId = randomUUID() } = question
    const verdict = await guard.verify(facts, requirement)
    if (!verdict.ok) return deny(verdict.refusal, requestId)
    metrics.decided('', (performance.now() - began) / 1000)
    writePassage(response, requestId, verdict.access, isStopping)

    function deny(refusal: Refusal, id: string): void {
      const refused = guard.refuse(refusal)
      metrics.decided(refusal.reason, (performance.now() - began) / 1000)
      log.refused({
        request_id: id,
        client_id: refusal.clientId,
        reason: refusal.reason,
        detail: refusal.detail,
        status: refused.status,
        address: refusal.address,
      })
      writeDenial(response, id, refused, isStopping)
    }
  }

  const server = createServer(
    { maxHeaderSize: 65_536, keepAliveTimeout: 75_000, optimizeEmptyRequests: true },
    (request, response) => {
      answer(request, response).catch(() => {
        // Whatever went wrong, the call does not pass.
        if (!response.headersSent) response.writeHead(500, { 'content-length': 0 })
        response.end()
      })
    },
  )
  const administration = createServer(
    serveAdministration({ isReady: () => !isStopping, missing: () => guard.missing(), metrics }),
  )
  const close = async (): Promise<void> => {
    await Promise.all([closeServer(server), closeServer(administration)])
    await guard.close()
    log.close()
  }
  try {
    const url = await listen(server, options.host, options.port)
    const adminUrl = await listen(administration, options.adminHost, options.adminPort)
    // Not awaited: it starts without its issuer too.
    void guard.start()
    return {
      url,
      adminUrl,
      async stop(delayMs) {
        isStopping = true
        if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs))
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

function openGuard(options: GateOptions, onEvent: (event: GuardEvent) => void): Guard {
  const { issuer, audience, resourceServer, credential, algorithms, maxStalenessSeconds, maxRememberedTokens, now } =
    options
  const { addressHeader, certificateHeader } = proxyKinds[options.proxy]
  if (options.proxyNetworks.length === 0) {
    throw new GuardConfigurationError('There is no proxy network', "Give the proxies' addresses as CIDRs")
  }
  return createGuard({
    issuer,
    audience,
    resourceServer,
    credential,
    algorithms,
    proxies: [{ networks: options.proxyNetworks, addressHeader, certificateHeader }],
    maxRememberedTokens,
    keys: { maxStalenessSeconds },
    revocations: { maxStalenessSeconds },
    savedState: savedStateFile(options.stateFile),
    now,
    onEvent,
  })
}

async function listen(server: Server, host: string, port: number): Promise<string> {
  server.listen(port, host)
  await once(server, 'listening')
  const { address, family, port: bound } = server.address() as AddressInfo
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`
}

async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  const deadline = setTimeout(() => server.closeAllConnections(), maxDrainMs)
  server.close()
  server.closeIdleConnections()
  await closed
  clearTimeout(deadline)
}
