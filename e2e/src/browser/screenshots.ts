import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { admin, checkout, newDirectory, removeDirectory, startDev, type Ready } from '../latchkey-process.ts'
import { startChromium } from './chromium.ts'
import { mailedLink } from './mail.ts'
import { fillForm } from './request-form.ts'
import { violationsOf, visit } from './watched-page.ts'

/* `npm run screenshots`: every page in both schemes, into docs/images; and what the way from an empty form to the first call costs a partner. */

const images = path.join(checkout, 'docs', 'images')
mkdirSync(images, { recursive: true })
const directory = newDirectory()
const data = path.join(directory, 'data')
const server = await startDev(data)
const browser = await startChromium()
try {
  await takeAll(browser, server.ready.issuer, server.ready.admin_socket)
  await measure(browser, server.ready)
} finally {
  await browser.close()
  await server.stop()
  removeDirectory(directory)
}

async function takeAll(chromium: Browser, issuer: string, socket: string): Promise<void> {
  const page = await chromium.newPage({ viewport: { width: 1040, height: 800 } })
  const read = 'configurations/configurations.read'
  await page.goto(`${issuer}/access-requests`)
  await page.getByRole('heading', { name: 'Ask for access' }).waitFor()
  await fillForm(page, {
    address: 'ada@acme.example',
    scopes: [read, 'configurations/configurations.write'],
    sourceAddresses: '203.0.113.7\n198.51.100.0/25\n10.1.2.3/8',
  })
  await page.getByText('bits are set behind the prefix').waitFor()
  await page.getByRole('radio', { name: /By a certificate of this server/ }).check()
  await take(page, 'request-form')
  await page.locator('input[type=radio][value=secret]').check()
  await page.getByLabel('Source addresses').fill('')
  await page.getByRole('button', { name: 'Send the request' }).click()
  await page.getByRole('heading', { name: 'Look into your mail' }).waitFor()
  const statusLink = await mailedLink(data, 'request.confirm_address')
  await page.goto(statusLink)
  await page.getByRole('button', { name: 'Confirm my address' }).waitFor()
  await take(page, 'request-confirm')
  await page.getByRole('button', { name: 'Confirm my address' }).click()
  await page.getByRole('heading', { name: 'The team has your request' }).waitFor()
  const { id, revision } = await newest(socket)
  await admin(socket, 'POST', `/requests/${id}/ask`, {
    revision,
    message: 'Which systems will write, and how often?',
  })
  await page.reload()
  await page.getByRole('heading', { name: 'The team has a question' }).waitFor()
  await take(page, 'request-question')
  await page.getByLabel('Your answer').fill('None for now: reading is enough.')
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await page.getByRole('heading', { name: 'The team has your request' }).waitFor()
  await admin(socket, 'POST', `/requests/${id}/approve`, {
    revision: (await newest(socket)).revision,
    scopes: [{ scope: read, ends_at: 1_830_000_000 }],
    reason: 'Reading until summer, then we talk again.',
  })
  await page.reload()
  await page.getByRole('heading', { name: 'Approved in part' }).waitFor()
  await take(page, 'request-approved')
  const link = await mailedLink(data, 'link.ready')
  await page.goto(link)
  await page.getByRole('button', { name: 'Show the credential' }).waitFor()
  await take(page, 'claim-open')
  await page.getByRole('button', { name: 'Show the credential' }).click()
  await page.getByText('Delivered').waitFor()
  await hideSecret(page)
  await take(page, 'claim-shown')
  const second = await chromium.newPage({ viewport: { width: 1040, height: 800 } })
  await second.goto(link)
  await second.getByRole('button', { name: 'That was not me' }).click()
  await take(second, 'claim-disown')
  await takeCertificate(page, socket)
  await page.goto(`${issuer}/docs`)
  await take(page, 'guide')
}

/** A link that delivers a certificate: what it asks for, and what it shows. */
async function takeCertificate(page: Page, socket: string): Promise<void> {
  const scopes = ['configurations/configurations.read']
  const client = { name: 'Plant 7', scopes, authentication: 'mtls' }
  const { body } = await admin<{ delivery_link: string }>(socket, 'POST', '/clients', client)
  await page.goto(body.delivery_link)
  await page.getByRole('radio', { name: 'Make the key for me' }).waitFor()
  await take(page, 'claim-certificate-open')
  await page.getByRole('radio', { name: 'Make the key for me' }).check()
  await page.getByRole('button', { name: 'Show the credential' }).click()
  await page.getByText('Delivered').waitFor()
  await page.getByRole('tab', { name: 'curl' }).click()
  await hideSecret(page)
  await take(page, 'claim-certificate-shown')
}

interface Listed {
  readonly id: string
  readonly revision: number
  readonly contact_address: string
}

async function newest(socket: string): Promise<Listed> {
  const { body } = await admin<{ items: Listed[] }>(socket, 'GET', '/requests')
  const request = body.items.findLast(({ contact_address: address }) => address === 'ada@acme.example')
  if (request === undefined) throw new Error('the request is not in the queue')
  return request
}

/** A picture in a repository holds no secret, not even one that is worth nothing. */
async function hideSecret(page: Page): Promise<void> {
  await page.evaluate(() => {
    for (const password of document.querySelectorAll('code[aria-labelledby^="label-password"]'))
      password.textContent = '••••••••••••••••••••'
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      node.nodeValue = (node.nodeValue ?? '').replaceAll(
        /lk_dev_\w+/g,
        'lk_dev_••••••••••••••••_••••••••••••••••••••••••••••••',
      )
    }
  })
}

async function take(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await page.waitForTimeout(150)
    await page.screenshot({
      path: path.join(images, `${name}-${colorScheme}.png`),
      fullPage: name !== 'guide',
      animations: 'disabled',
    })
  }
  await page.emulateMedia({ colorScheme: 'light' })
  process.stdout.write(`${name}\n`)
}

/** Presses and seconds of the partner, with a team that approves at once; the bytes of each page as they travel; what axe-core finds. */
async function measure(chromium: Browser, { issuer, admin_socket: socket, demo }: Ready): Promise<void> {
  const { page, close } = await visit(chromium)
  const pages = new Map<string, number>()
  let at = ''
  page.on('requestfinished', (request) => {
    void request.sizes().then(({ responseBodySize }) => pages.set(at, (pages.get(at) ?? 0) + responseBodySize))
  })
  let presses = 0
  const press = async (name: string) => {
    await page.getByRole('button', { name }).click()
    presses += 1
  }
  const violations: string[] = []
  const arrive = async (name: string, url: string, heading: string) => {
    at = name
    await page.goto(url)
    await page.getByRole('heading', { level: 1, name: heading }).waitFor()
    await page.waitForLoadState('networkidle')
    violations.push(...(await violationsOf(page)))
  }
  const began = performance.now()
  await arrive('form', `${issuer}/access-requests`, 'Ask for access')
  const fields = await fillForm(page, { address: 'ada@second.example', scopes: ['configurations/configurations.read'] })
  await press('Send the request')
  await arrive('status', await mailedLink(data, 'request.confirm_address', 'ada@second.example'), 'One step is missing')
  await press('Confirm my address')
  await page.getByRole('heading', { name: 'The team has your request' }).waitFor()
  const { body } = await admin<{ items: Listed[] }>(socket, 'GET', '/requests')
  const request = body.items.find(({ contact_address: address }) => address === 'ada@second.example')
  const { body: approved } = await admin<{ request: { client_id: string } }>(
    socket,
    'POST',
    `/requests/${request?.id}/approve`,
    { revision: request?.revision },
  )
  const link = await mailedLink(data, 'link.ready', approved.request.client_id)
  await arrive('claim', link, 'Your credential is ready')
  await press('Show the credential')
  await page.getByText('Delivered').waitFor()
  await page.getByRole('tab', { name: 'curl' }).click()
  await press('Copy curl')
  presses += 1
  const { stdout } = await promisify(execFile)('bash', [
    '-c',
    await page.evaluate(() => navigator.clipboard.readText()),
  ])
  const { access_token: token } = JSON.parse(stdout) as { access_token: string }
  const answer = await fetch(demo.api, { headers: { Authorization: `Bearer ${token}` } })
  if (answer.status !== 200) throw new Error(`the API answered ${answer.status}`)
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  await arrive('guide', `${issuer}/docs`, 'Access to the APIs')
  process.stdout.write(
    `\nfrom an empty form to the first API call: ${fields} fields and boxes, ${presses} presses, ${seconds} s\n`,
  )
  for (const [name, bytes] of pages)
    process.stdout.write(`${name}: ${(bytes / 1024).toFixed(0)} kB as it travels, from an empty cache at first\n`)
  process.stdout.write(`axe-core: ${violations.length} violations\n`)
  await close()
}
