import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { pathToFileURL } from 'node:url'

/** Another real process that runs a piece of a module's source. */
export interface OtherProcess {
  /** Its next line on standard output. */
  line(): Promise<string>
  /** Ends it without giving it a chance to clean up. */
  kill(): Promise<void>
}

export interface OtherProcessOptions {
  /** Whether what it loaded runs without the rights of root; where the tests do not run as root it never has them. */
  readonly unprivileged?: boolean
}

const nobody = 65_534

/** Runs `source`, in which `load(path)` imports a module of this package by its path below `src`. */
export function startOtherProcess(source: string, options: OtherProcessOptions = {}): OtherProcess {
  const here = pathToFileURL(`${import.meta.dirname}/../`).href
  // Modules are loaded with the rights that the tests have: the checkout, or Node itself, may lie where nobody else can read.
  const drops = options.unprivileged === true && process.getuid?.() === 0
  const become = (user: number): string => (drops ? `process.seteuid(${user})` : '')
  const script = `const load = async (path) => {
    ${become(0)}
    const module = await import(new URL(path, ${JSON.stringify(here)}).href)
    ${become(nobody)}
    return module
  }
  ${source}`
  const child: ChildProcess = spawn(
    process.execPath,
    ['--conditions=latchkey-source', '--input-type=module', '--eval', script],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const lines: string[] = []
  let rest = ''
  let wake = () => {}
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
    wake()
  })
  const ended = once(child, 'exit').then(() => wake())
  return {
    async line() {
      while (lines.length === 0) {
        if (child.exitCode !== null || child.signalCode !== null) throw new Error('the other process said nothing more')
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return lines.shift() ?? ''
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
