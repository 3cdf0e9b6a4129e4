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

/** A Latchkey as a subject, with what it takes to call it by certificate. */
export interface MtlsSubject extends Subject {
  readonly mtlsPort: number
  readonly adminSocket: string
  /** What its listener shows. */
  readonly serverFiles: { readonly certificate: string; readonly key: string }
  /** PEM. */
  readonly mtls: {
    readonly clientId: string
    readonly cert: string
    readonly key: string
    readonly ca: string
    readonly csr: string
  }
}

/** Starts `file` beside this one and waits for the line of JSON in which it says where it listens. */
export async function startSubject<Announced extends object = Subject>(
  file: string,
  ...args: string[]
): Promise<Announced & Pick<Subject, 'stop'>> {
  const script = fileURLToPath(new URL(file, import.meta.url))
  const child = spawn(process.execPath, ['--conditions=latchkey-source', script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const line = await firstLine(child)
  return {
    ...(JSON.parse(line) as Announced),
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
