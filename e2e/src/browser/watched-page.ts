import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'

/** A page of which everything that it complains of, and every place that it asks, is kept. */
export interface WatchedPage {
  readonly page: Page
  /** Errors of scripts and of the Content-Security-Policy. */
  readonly complaints: readonly string[]
  /** Origins that it sent a request to. */
  readonly origins: ReadonlySet<string>
  readonly close: () => Promise<void>
}

/** A visitor of his own: nothing is shared with any other. */
export async function visit(browser: Browser, options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'], ...options })
  const page = await context.newPage()
  const complaints: string[] = []
  const origins = new Set<string>()
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('console', (message) => {
    // An answer of 4xx is no fault of the page.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text())
  })
  page.on('request', (request) => {
    if (!request.url().startsWith('blob:')) origins.add(new URL(request.url()).origin)
  })
  return { page, complaints, origins, close: () => context.close() }
}

const axe = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')

interface AxeResult {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[]
}

/** What axe-core finds wrong with the page as it is: WCAG 2.2 A and AA, and its best practices. */
export async function violationsOf(page: Page): Promise<string[]> {
  // In the page's own world by the debugger, which no policy of the page forbids.
  await page.evaluate(axe)
  const { violations } = await page.evaluate(async () => {
    const { axe: runner } = globalThis as unknown as { axe: { run(): Promise<AxeResult> } }
    return runner.run()
  })
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
}

/** By how many pixels it is wider than the window. */
export function overflowOf(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
}
