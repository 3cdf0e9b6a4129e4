import { spawn, type ChildProcess } from 'node:child_process'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { checkout } from './latchkey-process.ts'

/** What `latchkey serve --json` prints. */
export interface Serving {
  readonly issuer: string
  readonly token_endpoint: string
  readonly public: string
  readonly admin: string
  readonly console: string
  readonly admin_socket: string
  readonly workers: number
  readonly version: string
}

export interface ServeProcess {
  readonly child: ChildProcess
  readonly serving: Serving
  readonly stdout: () => string
  readonly stderr: () => string
  /** Lines of the log, each a JSON object. */
  readonly log: () => Record<string, unknown>[]
  /** Resolves when it has ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  /** Sends the signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
}

/** Starts `latchkey serve --json` on free ports and waits until it is ready; rejects with what it printed when it ends before. */
export function startServe(args: readonly string[], environment: Record<string, string> = {}): Promise<ServeProcess> {
  const main = path.join(checkout, 'packages/cli/src/main.ts')
  const clean = Object.entries(process.env).filter(([name]) => !name.startsWith('LATCHKEY_'))
  const child = spawn(
    process.execPath,
    ['--conditions=latchkey-source', main, 'serve', '--json', '--port', '0', '--admin-port', '0', ...args],
    { cwd: tmpdir(), env: { ...Object.fromEntries(clean), ...environment }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  return new Promise((resolve, reject) => {
    void ended.then(({ code }) => reject(new Error(`ended with ${code}: ${stderr}`)))
    createInterface(child.stdout).on('line', (line) => {
      if (!line.startsWith('{')) return
      resolve({
        child,
        serving: JSON.parse(line) as Serving,
        stdout: () => stdout,
        stderr: () => stderr,
        log: () =>
          stderr
            .split('\n')
            // What is said to people is no line of the log.
            .filter((each) => each.startsWith('{'))
            .map((each) => JSON.parse(each) as Record<string, unknown>),
        ended,
        stop(signal = 'SIGTERM') {
          child.kill(signal)
          return ended
        },
      })
    })
  })
}
