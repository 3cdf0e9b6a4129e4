import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser } from 'playwright-core'
import {
  checkout,
  latchkey,
  newDirectory,
  postForm,
  removeDirectory,
  startDev,
  type LatchkeyProcess,
} from '../latchkey-process.ts'
import { startChromium } from './chromium.ts'
import { mailedLink, mails } from './mail.ts'
import { fillForm } from './request-form.ts'
import { visit } from './watched-page.ts'

const run = promisify(execFile)

const read = 'configurations/configurations.read'
let directory: string
let data: string
let server: LatchkeyProcess
let browser: Browser

beforeAll(async () => {
  directory = newDirectory()
  data = path.join(directory, 'data')
  ;[server, browser] = await Promise.all([startDev(data), startChromium()])
})

afterAll(async () => {
  await browser.close()
  await server.stop()
  removeDirectory(directory)
})

/** The team's command line. */
async function team(...args: string[]): Promise<Record<string, unknown>> {
  const ended = await latchkey([...args, '--json'], { LATCHKEY_DATA_DIR: data })
  if (ended.code !== 0) throw new Error(ended.stderr)
  return JSON.parse(ended.stdout) as Record<string, unknown>
}

test('from "may we have access?" to the first call, and the end of it', async () => {
  const { issuer, demo } = server.ready
  const partner = await visit(browser)
  const { page } = partner

  // The partner asks, and confirms the address.
  await page.goto(`${issuer}/access-requests`)
  await fillForm(page, { address: 'ada@acme.example', scopes: [read, 'configurations/configurations.write'] })
  await page.getByRole('button', { name: 'Send the request' }).click()
  await page.getByRole('heading', { name: 'Look into your mail' }).waitFor()
  await page.goto(await mailedLink(data, 'request.confirm_address'))
  await page.getByRole('button', { name: 'Confirm my address' }).click()
  await page.getByRole('heading', { name: 'The team has your request' }).waitFor()

  // The team sees it, and approves a part.
  const queue = (await team('request', 'list', '--state', 'submitted'))['items'] as {
    id: string
    contact_address: string
  }[]
  const request = queue.find(({ contact_address: address }) => address === 'ada@acme.example')
  const shown = await latchkey(['request', 'show', request?.id ?? ''], { LATCHKEY_DATA_DIR: data })
  expect(shown.stdout).toMatch(/address +ada@acme.example \(confirmed\)/)
  expect(shown.stdout).toMatch(/organisation +Acme Configurators Ltd \(claimed\)/)
  const approved = await team('request', 'approve', request?.id ?? '', '--revision', '2', '--scope', read)
  expect(approved).toMatchObject({ waiting_for: 0, mailed_to: 'ada@acme.example' })
  const link = await mailedLink(data, 'link.ready')

  // Fifty previewers, and one that runs scripts and does not press.
  for (let i = 0; i < 50; i++) {
    const previewed = await fetch(link, { method: ['GET', 'HEAD', 'OPTIONS'][i % 3] ?? 'GET' })
    expect(previewed.status).toBeLessThan(500)
  }
  const scanner = await visit(browser)
  await scanner.page.goto(link)
  await scanner.page.getByRole('button', { name: 'Show the credential' }).waitFor()
  await scanner.close()
  const id = new URL(link).pathname.split('/').at(-1) ?? ''
  const links = async () =>
    ((await team('link', 'list'))['items'] as { id: string; state: string }[]).find((one) => one.id === id)
  expect((await links())?.state).toBe('open')

  // The partner presses; the credential is shown, once, and the server knows that it arrived.
  await page.goto(link)
  await page.getByRole('button', { name: 'Show the credential' }).click()
  await page.getByText('Delivered').waitFor()
  expect((await links())?.state).toBe('delivered')

  // A token with the page's own curl command, as it stands there, and a call of the API.
  await page.getByRole('tab', { name: 'curl' }).click()
  await page.getByRole('button', { name: 'Copy curl' }).click()
  const command = await page.evaluate(() => navigator.clipboard.readText())
  const { stdout } = await run('bash', ['-c', command])
  const token = JSON.parse(stdout) as { access_token: string; scope: string }
  expect(token.scope).toBe(read)
  const call = () => fetch(demo.api, { headers: { Authorization: `Bearer ${token.access_token}` } })
  expect((await call()).status).toBe(200)
  const secret = /client_secret=(lk_\w+)/.exec(command)?.[1] ?? ''
  expect(secret).toMatch(/^lk_dev_/)

  // The secret is in no address, title or storage; after the page is left it is nowhere, and back does not bring it.
  expect(
    await page.evaluate(() => JSON.stringify([Object.entries(sessionStorage), Object.entries(localStorage)])),
  ).not.toContain(secret)
  expect(`${page.url()} ${await page.title()}`).not.toContain(secret)
  await page.goto(`${issuer}/access-requests`)
  await page.goBack()
  await page.getByRole('heading', { name: 'The credential was shown already' }).waitFor()
  expect(await page.content()).not.toContain(secret)

  // A second visitor says that it was not him: everything is over within a second.
  const second = await visit(browser)
  await second.page.goto(link)
  await second.page.getByRole('button', { name: 'That was not me' }).click()
  expect((await call()).status).toBe(200)
  await second.page.getByRole('button', { name: 'Yes, that was not me' }).click()
  await second.page.getByRole('heading', { name: 'The credential is revoked' }).waitFor()
  const [client = ''] = /client_id=(\w+)/.exec(command)?.slice(1) ?? []
  const credential = { client_id: client, client_secret: secret }
  const refused = await postForm(server.ready.token_endpoint, credential, { grant_type: 'client_credentials' })
  expect(refused.status).toBe(401)
  await expect.poll(async () => (await call()).status, { timeout: 1000, interval: 20 }).toBe(401)
  const inspected = await postForm<{ active: boolean }>(`${issuer}/oauth2/introspect`, demo, {
    token: token.access_token,
  })
  expect(inspected.body.active).toBe(false)
  await expect.poll(() => mails(data, 'link.disowned').length, { timeout: 5000 }).toBe(1)

  for (const { complaints, origins } of [partner, second, scanner]) {
    expect(complaints).toEqual([])
    expect([...origins]).toEqual([new URL(issuer).origin])
  }
  expect(server.stderr()).toMatch(/^mail to ada@acme\.example: \S+link\.ready-\w+\.eml$/m)
  const audit = await latchkey(['audit', 'list', '--limit', '1000', '--json'], { LATCHKEY_DATA_DIR: data })
  for (const word of [secret, new URL(link).hash.slice(1)]) {
    for (const text of [audit.stdout, server.stdout(), server.stderr()]) expect(text).not.toContain(word)
  }
}, 120_000)

test('the checkout has every page in a picture, in both schemes', async () => {
  const { stdout } = await run('git', ['ls-files', 'docs/images'], { cwd: checkout })
  const pages = [
    'request-form',
    'request-confirm',
    'request-question',
    'request-approved',
    'claim-open',
    'claim-shown',
    'claim-disown',
    'claim-certificate-open',
    'claim-certificate-shown',
  ]
  for (const name of pages)
    for (const scheme of ['light', 'dark']) expect(stdout).toContain(`docs/images/${name}-${scheme}.png`)
})
