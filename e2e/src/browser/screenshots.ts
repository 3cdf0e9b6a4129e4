import { mkdirSync } from 'node:fs'
import path from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { admin, checkout, newDirectory, removeDirectory, startDev } from '../latchkey-process.ts'
import { startChromium } from './chromium.ts'
import { mailedLink } from './mail.ts'
import { fillForm } from './request-form.ts'

/* `npm run screenshots`: every page in both schemes, into docs/images. */

const images = path.join(checkout, 'docs', 'images')
mkdirSync(images, { recursive: true })
const directory = newDirectory()
const data = path.join(directory, 'data')
const server = await startDev(data)
const browser = await startChromium()
try {
  await takeAll(browser, server.ready.issuer, server.ready.admin_socket)
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
  await take(page, 'request-form')
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
  await page.goto(`${issuer}/docs`)
  await take(page, 'guide')
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
      fullPage: true,
      animations: 'disabled',
    })
  }
  await page.emulateMedia({ colorScheme: 'light' })
  process.stdout.write(`${name}\n`)
}
