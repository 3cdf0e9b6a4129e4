import { execFile, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  admin,
  checkout,
  newDirectory,
  removeDirectory,
  startDev,
  type Ended,
  type LatchkeyProcess,
} from './latchkey-process.ts'

/* `latchkey-client claim` of links that deliver certificates, as a process against a server that runs; what it wrote is used by curl as it stands. */

const run = promisify(execFile)
const bin = path.join(checkout, 'packages/client/bin/latchkey-client.js')
const read = 'configurations/configurations.read'
let directory: string
let server: LatchkeyProcess
let folder: string
let count = 0

beforeAll(async () => {
  directory = newDirectory()
  server = await startDev(path.join(directory, 'data'))
})

beforeEach(() => {
  folder = path.join(directory, `target-${++count}`)
  mkdirSync(folder)
})

afterAll(async () => {
  await server.stop()
  removeDirectory(directory)
})

function client(args: readonly string[], environment: Record<string, string> = {}): Promise<Ended> {
  const { LATCHKEY_DELIVERY_LINK: _link, LATCHKEY_CA_FILE: _file, ...inherited } = process.env
  const child = spawn(process.execPath, [bin, ...args], { cwd: folder, env: { ...inherited, ...environment } })
  const texts = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (texts.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (texts.stderr += chunk.toString()))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...texts })))
}

interface Made {
  readonly client_id: string
  readonly link_id: string
  readonly delivery_link: string
}

const api = <T>(method: string, url: string, body?: object) => admin<T>(server.ready.admin_socket, method, url, body)

async function newLink(authentication: string): Promise<Made> {
  const { body } = await api<Made>('POST', '/clients', { name: 'Plant', scopes: [read], authentication })
  return body
}

async function stateOf({ client_id: id }: Made): Promise<string | undefined> {
  return (await api<{ items: { state: string }[] }>('GET', `/links?client_id=${id}`)).body.items[0]?.state
}

const inFolder = (name: string) => readFileSync(path.join(folder, name), 'utf8')

/** A token by curl, from the variables alone. */
async function token(file = '.env'): Promise<{ access_token?: string; error?: string }> {
  const script = `set -a; . ./${file}; set +a
    curl --silent --cacert "$LATCHKEY_MTLS_CA_FILE" --cert "$LATCHKEY_CERT_FILE" --key "$LATCHKEY_KEY_FILE" \
      "$LATCHKEY_MTLS_TOKEN_ENDPOINT" --data grant_type=client_credentials --data "client_id=$LATCHKEY_CLIENT_ID" \
      \${LATCHKEY_CLIENT_SECRET:+--data "client_secret=$LATCHKEY_CLIENT_SECRET"}`
  return JSON.parse((await run('bash', ['-c', script], { cwd: folder })).stdout) as { access_token?: string }
}

describe('a certificate', () => {
  test('for a key that is made here and never leaves: files of the owner alone, named by the variables', async () => {
    const made = await newLink('mtls')
    const ended = await client(['claim', made.delivery_link, '--to', 'env:.env'])
    expect(ended).toEqual({ code: 0, stdout: `The credential of client ${made.client_id} is in .env.\n`, stderr: '' })
    expect(readdirSync(folder).toSorted()).toEqual(['.env', 'client.key', 'client.pem', 'server-ca.pem'])
    for (const name of readdirSync(folder)) expect(statSync(path.join(folder, name)).mode & 0o777).toBe(0o600)
    expect(inFolder('.env')).not.toContain('SECRET')
    expect(await stateOf(made)).toBe('delivered')
    expect(await token()).toMatchObject({ access_token: expect.stringMatching(/^eyJ/) })
    // The key was on no wire: the server answered none, and knows the public half alone.
    const { stdout } = await run('openssl', ['pkey', '-in', 'client.key', '-pubout'], { cwd: folder })
    const cert = await run('openssl', ['x509', '-in', 'client.pem', '-pubkey', '-noout'], { cwd: folder })
    expect(cert.stdout).toBe(stdout)
  })

  test('beside a secret', async () => {
    const made = await newLink('secret-and-certificate')
    expect((await client(['claim', made.delivery_link, '--to', 'env:.env'])).code).toBe(0)
    expect(inFolder('.env')).toMatch(/^LATCHKEY_CLIENT_SECRET=lk_dev_/m)
    expect(await token()).toHaveProperty('access_token')
    writeFileSync(path.join(folder, 'less'), inFolder('.env').replace(/^LATCHKEY_CLIENT_SECRET=.*$/m, ''))
    expect(await token('less')).toEqual({ error: 'invalid_client', error_description: expect.anything() })
  })

  test('for the signing request of a file; the key stays where it is', async () => {
    const command =
      'openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout own.key -subj / -out own.csr'
    await run('sh', ['-c', command], { cwd: folder })
    const made = await newLink('mtls')
    const misused = await client(['claim', made.delivery_link, '--to', 'env:.env', '--csr', 'own.key'])
    expect(misused).toMatchObject({ code: 2, stderr: expect.stringContaining('holds a private key') })
    expect(await stateOf(made)).toBe('open')
    expect((await client(['claim', made.delivery_link, '--to', 'env:.env', '--csr', 'own.csr'])).code).toBe(0)
    expect(readdirSync(folder).toSorted()).toEqual(['.env', 'client.pem', 'own.csr', 'own.key', 'server-ca.pem'])
    expect(inFolder('.env')).not.toContain('KEY_FILE')
    writeFileSync(path.join(folder, '.env'), `${inFolder('.env')}LATCHKEY_KEY_FILE=${folder}/own.key\n`)
    expect(await token()).toHaveProperty('access_token')
  })

  test('as JSON, and as a Kubernetes Secret; not as lines of standard output', async () => {
    const made = await newLink('mtls')
    const lines = await client(['claim', made.delivery_link, '--to', 'stdout'])
    expect(lines).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('takes no certificate') })
    expect(await stateOf(made)).toBe('open')
    expect((await client(['claim', made.delivery_link, '--to', 'json:c.json'])).code).toBe(0)
    expect(JSON.parse(inFolder('c.json'))).toEqual({
      issuer: server.ready.issuer,
      client_id: made.client_id,
      mtls_token_endpoint: expect.stringMatching(/^https:/),
      certificate: expect.stringMatching(/^-----BEGIN CERTIFICATE-----\n/),
      private_key: expect.stringMatching(/^-----BEGIN PRIVATE KEY-----\n/),
      server_ca: expect.stringMatching(/^-----BEGIN CERTIFICATE-----\n/),
    })
    const second = await newLink('mtls')
    const secret = await client(['claim', second.delivery_link, '--to', 'k8s:plant'])
    expect(secret.stdout).toMatch(/^ {2}client\.key: "-----BEGIN PRIVATE KEY-----\\n/m)
  })

  test('of its own is registered; nothing is written that there was', async () => {
    const command =
      'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout own.key -out own.pem -subj /CN=partner -days 30 -addext extendedKeyUsage=clientAuth'
    await run('sh', ['-c', command], { cwd: folder })
    const made = await newLink('self-signed-mtls')
    const without = await client(['claim', made.delivery_link, '--to', 'env:.env'])
    expect(without).toMatchObject({ code: 2, stderr: expect.stringContaining('--certificate') })
    expect((await client(['claim', made.delivery_link, '--to', 'env:.env', '--certificate', 'own.pem'])).code).toBe(0)
    writeFileSync(
      path.join(folder, '.env'),
      `${inFolder('.env')}LATCHKEY_CERT_FILE=own.pem\nLATCHKEY_KEY_FILE=own.key\n`,
    )
    expect(await token()).toHaveProperty('access_token')
  })

  test.each([
    ['a key is there already', 'client.key'],
    ['a certificate is there already', 'client.pem'],
  ])('%s: nothing is spent, and nothing replaced', async (_, name) => {
    writeFileSync(path.join(folder, name), 'mine')
    const made = await newLink('mtls')
    const ended = await client(['claim', made.delivery_link, '--to', 'env:.env'])
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('is there already') })
    expect([readdirSync(folder), inFolder(name), await stateOf(made)]).toEqual([[name], 'mine', 'open'])
    expect((await client(['claim', made.delivery_link, '--to', 'env:.env', '--force'])).code).toBe(0)
  })

  test('a link of a secret takes neither --csr nor --certificate', async () => {
    const made = await newLink('secret')
    for (const option of ['--csr', '--certificate']) {
      const ended = await client(['claim', made.delivery_link, '--to', 'env:.env', option, 'x'])
      expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining(`takes no ${option}`) })
    }
    expect(await stateOf(made)).toBe('open')
  })
})

describe('LATCHKEY_CA_FILE', () => {
  const mtls = (name: string) => path.join(directory, 'data', 'mtls', name)

  /** The same server behind TLS, by a private authority: what stands before it passes everything on. */
  async function behindTls() {
    const files = { cert: readFileSync(mtls('server.pem')), key: readFileSync(mtls('server.key')) }
    let requests = 0
    const proxy = createServer(files, (incoming, outgoing) => {
      requests += 1
      const { host } = new URL(server.ready.issuer)
      const options = { method: incoming.method ?? 'GET', headers: { ...incoming.headers, host } }
      const upstream = request(server.ready.issuer + (incoming.url ?? ''), options, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(outgoing)
      })
      incoming.pipe(upstream)
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    const origin = `https://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    return { origin, requests: () => requests, close: () => proxy.close() }
  }

  test('pins the server: its authority is believed and no other, and a stranger is sent nothing', async () => {
    const { origin, requests, close } = await behindTls()
    const made = await newLink('secret')
    const args = ['claim', made.delivery_link.replace(server.ready.issuer, origin), '--to', 'env:.env']
    const wrong = path.join(folder, 'wrong.pem')
    writeFileSync(wrong, await (await fetch(`${server.ready.issuer}/ca/root.pem`)).text())
    const unknown = await client([...args, '--json'])
    expect(JSON.parse(unknown.stderr)).toMatchObject({
      error: 'server_untrusted',
      message: expect.stringMatching(/is not believed \(\w+\): nothing was sent/),
      hint: expect.stringContaining('LATCHKEY_CA_FILE'),
    })
    const other = await client(args, { LATCHKEY_CA_FILE: wrong })
    expect(other).toMatchObject({ code: 1, stderr: expect.stringMatching(/not by an authority in the file/) })
    expect([requests(), await stateOf(made)]).toEqual([0, 'open'])
    expect(await client(args, { LATCHKEY_CA_FILE: mtls('root.pem') })).toMatchObject({ code: 0, stderr: '' })
    expect(await stateOf(made)).toBe('delivered')
    close()
  })

  test.each([
    ['is not there', 'nowhere.pem', /cannot be read \(ENOENT\)/],
    ['holds no certificates', bin, /holds no certificates in PEM/],
  ])('a file that %s is misuse', async (_, file, message) => {
    const made = await newLink('secret')
    const ended = await client(['claim', made.delivery_link, '--to', 'env:.env'], { LATCHKEY_CA_FILE: file })
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringMatching(message) })
    expect(await stateOf(made)).toBe('open')
  })
})
