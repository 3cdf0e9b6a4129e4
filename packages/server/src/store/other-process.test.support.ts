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
  /** As whom it runs, when this process may choose: a user without any rights of root. */
  readonly unprivileged?: boolean
}

const nobody = 65_534

/** Runs `source`, in which `load(path)` imports a module of this package by its path below `src`. */
export function startOtherProcess(source: string, options: OtherProcessOptions = {}): OtherProcess {
  const here = pathToFileURL(`${import.meta.dirname}/../`).href
  const script = `const load = (path) => import(new URL(path, ${JSON.stringify(here)}).href)\n${source}`
  const mayChoose = process.getuid?.() === 0
  const child: ChildProcess = spawn(
    process.execPath,
    ['--conditions=latchkey-source', '--input-type=module', '--eval', script],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      ...(options.unprivileged === true && mayChoose ? { uid: nobody, gid: nobody, cwd: '/' } : {}),
    },
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
