import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkout } from '../latchkey-process.ts'

/** What stands in `${…}` and `{$…}` of examples/proxies, by name. */
export type ProxyValues = Readonly<Record<string, string>>

/** A real proxy in the foreground, on a configuration that is kept in examples/proxies. */
export interface ProxyProcess {
  stop(): Promise<void>
}

/** Where a configuration is kept. */
export function exampleFile(...names: readonly string[]): string {
  return path.join(checkout, 'examples/proxies', ...names)
}

/** A configuration with its `${NAME}` put in, as envsubst does it. Throws for a name without a value. */
export function substituted(file: string, values: ProxyValues): string {
  return readFileSync(file, 'utf8').replaceAll(/\$\{([A-Z_]+)\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`${file} names ${name}, which has no value`)
    return value
  })
}

/** How long a proxy may take to listen, in milliseconds. */
const startWithinMs = 10_000

/** Starts it and waits until every one of these ports of 127.0.0.1 is listened on; rejects with what it printed when it ends before. */
export async function startProxy(
  command: string,
  args: readonly string[],
  environment: ProxyValues,
  ports: readonly number[],
): Promise<ProxyProcess> {
  const child = spawn(command, args, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  const ended = once(child, 'close')
  let hasEnded = false
  void ended.then(() => (hasEnded = true))
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), 5000)
    await ended
    clearTimeout(timer)
  }
  const until = performance.now() + startWithinMs
  for (const port of ports) {
    while (!(await isListening(port))) {
      if (hasEnded) throw new Error(`${command} ended: ${printed}`)
      if (performance.now() > until) {
        await stop()
        throw new Error(`${command} does not listen on ${port}: ${printed}`)
      }
      await sleep(20)
    }
  }
  return { stop }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
