import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  freePorts,
  latchkey,
  newDirectory,
  postForm,
  removeDirectory,
  startDev,
  startLatchkey,
  type LatchkeyProcess,
} from '../latchkey-process.ts'
import { findGateProxies, startGateProxy, type GateProxy } from './gate-proxy.ts'
import { callerAddress, callThrough, type GateReady } from './gate-stage.ts'

/* All of it: Latchkey with the rules of its example API and clients with addresses, `latchkey gate`, and a proxy before the example API. */

const scopes = { read: 'configurations/configurations.read', write: 'configurations/configurations.write' }
/** Both addresses that calls come from in the eyes of somebody: the caller's for the gate, the proxy's for the API's own guard. */
const allowed = '127.0.0.0/28'
const elsewhere = '127.0.0.77'

describe.each(findGateProxies())('%s, gate and Latchkey', (name, isHere) => {
  let directory: string
  let server: LatchkeyProcess
  let gate: LatchkeyProcess<GateReady>
  let proxy: GateProxy
  const started: (() => Promise<unknown>)[] = []

  async function cli<T>(...args: readonly string[]): Promise<T> {
    const { code, stdout, stderr } = await latchkey([...args, '--json', '--data-dir', path.join(directory, 'data')])
    if (code !== 0) throw new Error(`latchkey ${args.join(' ')}: ${stderr}`)
    return JSON.parse(stdout) as T
  }

  interface Credential {
    readonly client_id: string
    readonly client_secret: string
  }

  async function tokenFor(credential: Credential): Promise<string> {
    const reply = await postForm<{ access_token: string }>(server.ready.token_endpoint, credential, {
      grant_type: 'client_credentials',
    })
    return reply.body.access_token
  }

  const createClient = (...args: string[]) => cli<Credential>('client', 'create', 'partner', '--show-secret', ...args)

  async function call(token: string, target = '/configurations', method = 'GET', from = callerAddress) {
    const { status, text } = await callThrough(proxy.port, target, { token, method, from })
    return { status, code: status === 200 ? undefined : (JSON.parse(text) as { code: string }).code, text }
  }

  beforeAll(async () => {
    if (!isHere) return
    directory = newDirectory()
    server = await startDev(path.join(directory, 'data'))
    started.push(() => server.stop())
    const rules = [
      'GET /configurations/**=configurations.read',
      'POST /configurations=configurations.write',
      'DELETE /configurations/*=configurations.write,allowed-ip,certificate',
    ].flatMap((rule) => ['--endpoint', rule])
    await cli('resource-server', 'update', 'configurations', ...rules)
    const credential = await cli<Credential>('resource-server', 'credential', 'configurations')
    const { audience } = await cli<{ audience: string }>('resource-server', 'show', 'configurations')
    const { port } = new URL(server.ready.demo.api)
    const [gatePort = 0, adminPort = 0] = await freePorts(2)
    const flags = {
      issuer: server.ready.issuer,
      audience,
      'resource-server': 'configurations',
      'client-id': credential.client_id,
      proxy: name,
      'data-dir': path.join(directory, 'gate'),
      port: String(gatePort),
      'admin-port': String(adminPort),
    }
    gate = await startLatchkey<GateReady>(
      ['gate', '--json', ...Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value])],
      { LATCHKEY_GATE_CLIENT_SECRET: credential.client_secret },
    )
    started.push(() => gate.stop())
    proxy = await startGateProxy(name, { gate: gatePort, api: Number(port) })
    started.push(() => proxy.stop())
    while ((await fetch(`${gate.ready.admin}/readyz`)).status !== 200) await new Promise((go) => setTimeout(go, 50))
  })
  afterAll(async () => {
    for (const stop of started.toReversed()) await stop()
    if (isHere) removeDirectory(directory)
  })

  test.skipIf(!isHere)('the rules that the platform team wrote decide', async () => {
    const reader = await tokenFor(await createClient('--scope', scopes.read))
    const read = await call(reader)
    expect([read.status, read.text]).toEqual([200, expect.stringContaining('"items"')])
    expect(await call(reader, '/configurations', 'POST')).toMatchObject({ status: 403, code: 'insufficient_scope' })
    expect(await call(reader, '/healthz')).toMatchObject({ status: 403, code: 'endpoint_not_allowed' })
    const writer = await tokenFor(await createClient('--scope', scopes.write))
    expect(await call(writer, '/configurations/1', 'DELETE')).toMatchObject({
      status: 403,
      code: 'certificate_required',
    })
  })

  test.skipIf(!isHere)('a client calls from its addresses, and from nowhere else', async () => {
    const token = await tokenFor(await createClient('--scope', scopes.read, '--allow-ip', allowed))
    expect((await call(token)).status).toBe(200)
    const refused = await call(token, '/configurations', 'GET', elsewhere)
    expect(refused).toMatchObject({ status: 403, code: 'address_not_allowed' })
    expect(refused.text).toContain(elsewhere)
  })

  test.skipIf(!isHere)('also by a token for two APIs, whose policy is asked for', async () => {
    await cli('resource-server', 'create', 'other', '--audience', 'https://other.example.com', '--scope', 'read')
    const client = await createClient('--scope', scopes.read, '--scope', 'other/read', '--allow-ip', allowed)
    const token = await tokenFor(client)
    const [, payload = ''] = token.split('.')
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toHaveProperty('lk_network.policies')
    expect(await call(token, '/configurations', 'GET', elsewhere)).toMatchObject({
      status: 403,
      code: 'address_not_allowed',
    })
    // The API's own guard has no credential to ask with: that the gate let it through shows in who refuses.
    expect(await call(token)).toMatchObject({ status: 500, code: 'server_error' })
  })

  test.skipIf(!isHere).each<[what: string, change: (clientId: string) => readonly string[]]>([
    ['disabled', (id) => ['client', 'disable', id]],
    ['narrowed to other addresses', (id) => ['client', 'update', id, '--allow-ip', '10.0.0.0/8']],
  ])('a client that is %s: its tokens end within a second', async (_, change) => {
    const client = await createClient('--scope', scopes.read, '--allow-ip', allowed)
    const token = await tokenFor(client)
    expect((await call(token)).status).toBe(200)
    await cli(...change(client.client_id))
    await vi.waitFor(async () => expect((await call(token)).status).toBe(401), { timeout: 1000 })
  })

  test.skipIf(!isHere)('with Latchkey away, known tokens are judged', async () => {
    const token = await tokenFor(await createClient('--scope', scopes.read))
    expect((await call(token)).status).toBe(200)
    // The example API runs inside `dev`: it is away, too. That the proxy found nobody to hand on to, in its own words, says that the gate let the call through.
    await server.stop()
    const passed = await callThrough(proxy.port, '/configurations', { token })
    expect([502, 503]).toContain(passed.status)
    expect(passed.text).not.toContain('temporarily_unavailable')
    expect((await call(token, '/healthz')).status).toBe(403)
  })
})
