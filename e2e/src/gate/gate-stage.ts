import { once } from 'node:events'
import { chmodSync } from 'node:fs'
import { createServer, request as sendRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startTestIssuer, type TestIssuer } from '@latchkey/guard/testing'
import { newDirectory, removeDirectory, startLatchkey, type LatchkeyProcess } from '../latchkey-process.ts'

export const audience = 'https://configurations.example.com'
export const readScope = 'configurations/configurations.read'
export const writeScope = 'configurations/configurations.write'

/** Where calls come from: an address of this machine that is no proxy's. */
export const callerAddress = '127.0.0.9'

export interface GateReady {
  readonly url: string
  readonly admin: string
}

/** An issuer, an API that believes whoever reaches it, and a gate. */
export interface GateStage extends AsyncDisposable {
  readonly issuer: TestIssuer
  readonly api: { readonly port: number; readonly received: readonly Received[] }
  readonly gatePort: number
  gate: LatchkeyProcess<GateReady>
  /** Starts a gate again at the same place, with the same data directory. */
  restartGate(): Promise<void>
  /** Resolves once the gate can decide. */
  ready(): Promise<void>
}

/** A request that an API got. */
export interface Received {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export async function startGateStage(proxy: string, port: number, adminPort: number): Promise<GateStage> {
  const issuer = await startTestIssuer({ audience, scope: readScope })
  issuer.resourceServer.document = {
    resource_server: 'configurations',
    audience,
    version: 1,
    endpoint_rules: [
      { endpoint: 'GET /configurations/**', scopes: [readScope] },
      { endpoint: 'POST /configurations', scopes: [writeScope] },
      { endpoint: 'DELETE /configurations/*', scopes: [writeScope], allowed_ip: true },
      { endpoint: 'PUT /configurations/*', scopes: [writeScope], certificate: true },
    ],
  }
  const received: Received[] = []
  const api = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    received.push({ method, url, headers })
    request.resume()
    request.on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{"in":true}'))
  })
  api.keepAliveTimeout = 75_000
  api.listen(0, '127.0.0.1')
  await once(api, 'listening')
  const directory = newDirectory()
  chmodSync(directory, 0o700)
  const { credential } = issuer.resourceServer
  const flags = {
    issuer: issuer.issuer,
    audience,
    'resource-server': 'configurations',
    'client-id': credential.clientId,
    proxy,
    'proxy-networks': '127.0.0.1',
    'data-dir': directory,
    port: String(port),
    'admin-port': String(adminPort),
  }
  const startGate = (): Promise<LatchkeyProcess<GateReady>> =>
    startLatchkey<GateReady>(
      ['gate', '--json', ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value])],
      { LATCHKEY_GATE_CLIENT_SECRET: credential.clientSecret },
    )
  const stage: GateStage = {
    issuer,
    api: { port: (api.address() as AddressInfo).port, received },
    gatePort: port,
    gate: await startGate(),
    async restartGate() {
      stage.gate = await startGate()
    },
    async ready() {
      while ((await fetch(`${stage.gate.ready.admin}/readyz`)).status !== 200) await pause(20)
    },
    async [Symbol.asyncDispose]() {
      await stage.gate.stop('SIGKILL')
      api.closeAllConnections()
      api.close()
      await issuer.close()
      removeDirectory(directory)
    },
  }
  return stage
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

export interface CallOptions {
  readonly method?: string
  readonly token?: string
  /** Further header lines: name, value, name, value … */
  readonly lines?: readonly string[]
  readonly from?: string
  readonly body?: string
}

/** A request whose target and header lines are sent as they are. */
export async function callThrough(port: number, target: string, options: CallOptions = {}): Promise<Answer> {
  const { method = 'GET', token, lines = [], from = callerAddress, body } = options
  const sent = sendRequest({
    host: '127.0.0.1',
    port,
    localAddress: from,
    path: target,
    method,
    agent: false,
    headers: [
      'host',
      'api.example.com',
      ...(token === undefined ? [] : ['authorization', `Bearer ${token}`]),
      ...(body === undefined ? [] : ['content-length', String(Buffer.byteLength(body))]),
      ...lines,
    ],
  })
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  const text = (await response.toArray()).join('')
  return { status: response.statusCode ?? 0, headers: response.headers, text }
}
