import { spawn } from 'node:child_process'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CliOptions {
  /** Where it is started; the root directory, where no `.latchkey` is near, when absent. */
  readonly cwd?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly input?: string
}

const main = fileURLToPath(new URL('../main.ts', import.meta.url))

/** Runs `latchkey` as its users do: in a process of its own, with nothing inherited from this one's environment but PATH. */
export async function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const child = spawn(process.execPath, ['--conditions=latchkey-source', main, ...args], {
    cwd: options.cwd ?? '/',
    env: { PATH: process.env['PATH'], ...options.environment },
    stdio: 'pipe',
  })
  // A command that does not read its input may be gone before all of it is written.
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  const exit = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [stdout, stderr, code] = await Promise.all([buffer(child.stdout), buffer(child.stderr), exit])
  return { code, stdout: stdout.toString(), stderr: stderr.toString() }
}

/** What a command that must succeed printed with `--json`. */
export async function runCliJson(args: readonly string[], options: CliOptions = {}): Promise<Record<string, unknown>> {
  const result = await runCli([...args, '--json'], options)
  if (result.code !== 0) throw new Error(`latchkey ${args.join(' ')} ended with ${result.code}: ${result.stderr}`)
  return JSON.parse(result.stdout) as Record<string, unknown>
}
