import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A server under measurement, in a process of its own. */
export interface Subject {
  readonly port: number
  readonly clientId: string
  readonly clientSecret: string
  stop(): Promise<void>
}

/** Starts `file` beside this one and waits for the line of JSON in which it says where it listens. */
export async function startSubject(file: string, ...args: string[]): Promise<Subject> {
  const script = fileURLToPath(new URL(file, import.meta.url))
  const child = spawn(process.execPath, ['--conditions=latchkey-source', script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const line = await firstLine(child)
  return {
    ...(JSON.parse(line) as { port: number; clientId: string; clientSecret: string }),
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', () => resolve())
        child.kill('SIGTERM')
      }),
  }
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`ended with ${code} before it was ready`)))
    if (child.stdout !== null) createInterface(child.stdout).once('line', resolve)
  })
}
