import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newDirectory, postForm, removeDirectory, startDev, type LatchkeyProcess } from './latchkey-process.ts'
import { startChromium } from './browser/chromium.ts'
import { overflowOf, violationsOf, visit } from './browser/watched-page.ts'
import { certificateEnvironment } from './guide-certificate.ts'
import { readSamples, runSample } from './guide-samples.ts'
import { startTlsApi } from './tls-api.ts'

/* The partner's guide, followed from the page alone. What needs another language than this one is `npm run test:interop`; the commands for
 * certificates are followed in packages/server/src/portal/guide, where time can be moved to the renewal. */

let directory: string
let server: LatchkeyProcess
let samples: ReadonlyMap<string, string>
let environment: Record<string, string>

beforeAll(async () => {
  directory = newDirectory()
  server = await startDev(path.join(directory, 'data'))
  samples = await readSamples(server.ready.issuer)
  const { client_id: id, client_secret: secret, api } = server.ready.demo
  environment = { LATCHKEY_CLIENT_ID: id, LATCHKEY_CLIENT_SECRET: secret, API_URL: api }
})

afterAll(async () => {
  await server.stop()
  removeDirectory(directory)
})

test('has these samples, and a test for each: here or in interop', () => {
  expect([...samples.keys()]).toEqual([
    'token',
    'curl',
    'node',
    'python',
    'go',
    'java',
    'rust',
    'revoke',
    'server-ca',
    'csr',
    'mtls-token',
    'mtls-call',
    'mtls-node',
    'mtls-python',
    'pkcs12',
    'renew',
    'whoami',
  ])
})

test('the curl command answers with the fields that the page explains', async () => {
  const answer = JSON.parse(await runSample('bash', ['-c', samples.get('token') ?? 'false'], environment)) as object
  expect(Object.keys(answer).toSorted()).toEqual(['access_token', 'expires_in', 'scope', 'token_type'])
})

test('sh with curl calls the API, and shows the secret to nobody who lists processes', async () => {
  const script = samples.get('curl') ?? ''
  expect(await runSample('sh', ['-c', script], environment)).toContain('"items"')
  await expect(runSample('sh', ['-c', script], { ...environment, LATCHKEY_CLIENT_SECRET: 'wrong' })).rejects.toThrow()
  expect(script).not.toMatch(/--(?:data|header|user)[^|]*\$(?:LATCHKEY_CLIENT_SECRET|token)/)
})

test('whoami says from where the caller is seen to call, and shows the secret to nobody who lists processes', async () => {
  const script = samples.get('whoami') ?? 'false'
  expect(JSON.parse(await runSample('sh', ['-c', script], environment))).toMatchObject({
    client_id: environment['LATCHKEY_CLIENT_ID'],
    address: { seen: '127.0.0.1', token_endpoint: 'not_covered' },
  })
  expect(script).not.toMatch(/--(?:data|header|user)[^|]*\$(?:LATCHKEY_CLIENT_SECRET|token)/)
})

test('Node.js', async () => {
  const file = path.join(directory, 'call.mjs')
  writeFileSync(file, samples.get('node') ?? '')
  expect(await runSample(process.execPath, [file], environment)).toContain('"items"')
  await expect(
    runSample(process.execPath, [file], { ...environment, LATCHKEY_CLIENT_SECRET: 'wrong' }),
  ).rejects.toThrow(/invalid_client/)
})

test('Node.js with a certificate, to an API that asks for it', async () => {
  const own = await certificateEnvironment(server.ready, directory)
  const tls = await startTlsApi(server.ready.issuer, path.join(directory, 'data'))
  const file = path.join(directory, 'certificate.mjs')
  writeFileSync(file, samples.get('mtls-node') ?? '')
  const call = (more: Record<string, string> = {}) =>
    runSample(process.execPath, [file], { ...own, API_URL: tls.url, API_CA_FILE: tls.authorityFile, ...more })
  expect(await call()).toContain('"items"')
  // Another client's name with this certificate, and a server that this authority did not certify.
  await expect(call({ LATCHKEY_CLIENT_ID: server.ready.demo.client_id })).rejects.toThrow(/invalid_client/)
  await expect(call({ LATCHKEY_MTLS_CA_FILE: own['LATCHKEY_CERT_FILE'] ?? '' })).rejects.toThrow(/certificate/)
  await tls.close()
})

test('the command that ends a token ends it', async () => {
  const { demo, issuer, token_endpoint: endpoint } = server.ready
  const { body } = await postForm<{ access_token: string }>(endpoint, demo, { grant_type: 'client_credentials' })
  const inspect = async () =>
    (await postForm<{ active: boolean }>(`${issuer}/oauth2/introspect`, demo, { token: body.access_token })).body.active
  expect(await inspect()).toBe(true)
  await runSample('bash', ['-c', samples.get('revoke') ?? 'false'], { ...environment, TOKEN: body.access_token })
  expect(await inspect()).toBe(false)
})

test('is read without scripts, on a phone, in both schemes, and by those who listen', async () => {
  const browser = await startChromium()
  try {
    const visitor = await visit(browser, { viewport: { width: 1280, height: 800 } })
    const { page, complaints, origins } = visitor
    await page.goto(`${server.ready.issuer}/docs`)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      expect({ colorScheme, violations: await violationsOf(page) }).toEqual({ colorScheme, violations: [] })
    }
    for (const summary of await page.locator('summary').all()) await summary.click()
    await page.setViewportSize({ width: 320, height: 640 })
    expect(await overflowOf(page)).toBeLessThanOrEqual(0)
    expect(complaints).toEqual([])
    expect([...origins]).toEqual([server.ready.issuer])
    expect(await page.locator('script').count()).toBe(0)
    await visitor.close()
  } finally {
    await browser.close()
  }
})
