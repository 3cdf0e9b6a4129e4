import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The samples of `/docs` by their id, word for word as a reader copies them. */
export async function readSamples(issuer: string): Promise<ReadonlyMap<string, string>> {
  const page = await (await fetch(`${issuer}/docs`)).text()
  const found = page.matchAll(/<pre tabindex="0" data-sample="([^"]+)"><code>([^]*?)<\/code><\/pre>/g)
  return new Map([...found].map(([, id = '', code = '']) => [id, unescape(code)]))
}

function unescape(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}

/** What a sample prints; rejects when it fails. */
export async function runSample(
  command: string,
  args: readonly string[],
  environment: Record<string, string>,
  cwd?: string,
): Promise<string> {
  const { stdout } = await run(command, args, { cwd, env: { ...process.env, ...environment }, timeout: 240_000 })
  return stdout
}

/** Whether a program is on this machine. */
export async function isHere(command: string, ...args: string[]): Promise<boolean> {
  return run(command, args).then(
    () => true,
    () => false,
  )
}
