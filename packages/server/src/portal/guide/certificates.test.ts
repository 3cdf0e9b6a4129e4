import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { adminSender } from '../../admin-api/testing/admin-request.ts'
import { createClientOver, startMtlsServer } from '../../testing/mtls-server.ts'
import { send, startTestServer, type TestServer } from '../../testing/start-test-server.ts'
import { claim, makeLink } from '../claim/link.test.support.ts'

/* The guide's commands for certificates, one after the other, as they stand on the page: from the key to the renewal. */

const run = promisify(execFile)
const hasTools = await Promise.all([run('openssl', ['version']), run('curl', ['--version'])]).then(
  () => true,
  () => false,
)
const day = 86_400_000

let server: TestServer
let page: string
let folder: string
let clientId: string

beforeAll(async () => {
  server = await startMtlsServer()
  await server.registerApi('configurations', ['read'])
  page = (await send(`${server.issuer}/docs`)).text
  folder = mkdtempSync(path.join(tmpdir(), 'latchkey-guide-'))
  clientId = (await createClientOver(adminSender(server.adminSocket), 'mtls')).clientId
})

afterAll(async () => {
  await server.dispose()
  rmSync(folder, { recursive: true })
})

const entities: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  '&amp;': '&',
}

/** Runs a sample in the partner's folder; answers what it printed. */
async function follow(id: string, environment: Record<string, string> = {}): Promise<string> {
  const sample = new RegExp(`data-sample="${id}"><code>([^]*?)</code>`).exec(page)?.[1] ?? 'false'
  const command = sample.replaceAll(/&(?:lt|gt|quot|#39|amp);/g, (entity) => entities[entity] ?? '')
  const env = { ...process.env, LATCHKEY_CLIENT_ID: clientId, ...environment }
  return (await run('bash', ['-euc', command], { cwd: folder, env })).stdout
}

const inFolder = (name: string) => readFileSync(path.join(folder, name), 'utf8')
const write = (name: string, text: string) => writeFileSync(path.join(folder, name), text)

describe.skipIf(!hasTools)('the guide’s commands', () => {
  test('take what the server is trusted by, with its fingerprint to compare', async () => {
    expect(await follow('server-ca')).toMatch(/sha256 Fingerprint=[0-9A-F:]{95}/i)
  })

  test('make a key and a signing request, which the link takes; and get a token', async () => {
    await follow('csr')
    const link = await makeLink(server, clientId)
    const claimed = await claim(server, link, { csr: inFolder('client.csr') })
    const { certificate } = claimed.json<{ certificate: { certificate: string; chain: string } }>()
    write('client.pem', certificate.certificate + certificate.chain)
    expect(JSON.parse(await follow('mtls-token'))).toMatchObject({ scope: 'configurations/read' })
    const other = JSON.parse(await follow('mtls-token', { LATCHKEY_CLIENT_ID: 'somebody-else' })) as object
    expect(other).toMatchObject({ error: 'invalid_client' })
  })

  test('put it into PKCS #12', async () => {
    await follow('pkcs12', { P12_PASSWORD: 'chosen by its owner' })
    const check = ['pkcs12', '-in', 'client.p12', '-noout', '-passin', 'env:P12_PASSWORD']
    await run('openssl', check, { cwd: folder, env: { ...process.env, P12_PASSWORD: 'chosen by its owner' } })
    await expect(run('openssl', check, { cwd: folder, env: { ...process.env, P12_PASSWORD: 'x' } })).rejects.toThrow()
  })

  test('renew it in the last third of its life, and not before', async () => {
    await expect(follow('renew')).rejects.toThrow()
    expect(inFolder('next.pem')).toContain('can be renewed from')
    server.clock.advance(61 * day)
    await follow('renew')
    write('client.pem', inFolder('next.pem'))
    write('client.key', inFolder('next.key'))
    expect(JSON.parse(await follow('mtls-token'))).toHaveProperty('access_token')
    server.clock.advance(40 * day)
    expect(JSON.parse(await follow('mtls-token'))).toHaveProperty('access_token')
  })
})

test('says plainly where nobody is asked for certificates, and shows no command for them', async () => {
  const plain = await startTestServer()
  const { text } = await send(`${plain.issuer}/docs`)
  expect(text).toContain('This server asks nobody for certificates')
  expect(text).not.toMatch(/data-sample="(?:mtls|csr|renew|server-ca)/)
  await plain.dispose()
})
