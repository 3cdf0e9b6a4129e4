import { execFileSync, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import path from 'node:path'
import { checkout, freePorts, newDirectory, removeDirectory } from '../latchkey-process.ts'

/** A proxy that asks a gate, with a configuration of `examples/proxies` as it is kept there. */
export interface GateProxy {
  readonly url: string
  readonly port: number
  stop(): Promise<void>
}

interface Program {
  readonly command: string
  readonly version: readonly string[]
  /** Its files in `examples/proxies`; the first is its configuration. */
  readonly files: readonly string[]
  readonly args: (configuration: string, directory: string) => readonly string[]
}

export type GateProxyName = 'nginx' | 'caddy' | 'haproxy' | 'traefik' | 'envoy'

const programs: Readonly<Record<GateProxyName, Program>> = {
  nginx: {
    command: 'nginx',
    version: ['-v'],
    files: ['gate-nginx.conf'],
    args: (configuration, directory) => ['-p', directory, '-c', configuration, '-g', 'daemon off;'],
  },
  caddy: {
    command: 'caddy',
    version: ['version'],
    files: ['gate-caddy.Caddyfile'],
    args: (configuration) => ['run', '--adapter', 'caddyfile', '--config', configuration],
  },
  haproxy: {
    command: 'haproxy',
    version: ['-v'],
    files: ['gate-haproxy.cfg', 'gate-haproxy.lua'],
    args: (configuration) => ['-db', '-f', configuration],
  },
  traefik: {
    command: 'traefik',
    version: ['version'],
    files: ['gate-traefik.yml', 'gate-traefik-routes.yml'],
    args: (configuration) => [`--configFile=${configuration}`],
  },
  envoy: {
    command: 'envoy',
    version: ['--version'],
    files: ['gate-envoy.yaml'],
    // Several of them on one machine share no memory.
    args: (configuration) => ['-c', configuration, '--use-dynamic-base-id', '--concurrency', '2', '-l', 'warning'],
  },
}

/** Those that are on this machine, and those that are not. */
export function findGateProxies(): readonly (readonly [name: GateProxyName, isHere: boolean])[] {
  return Object.entries(programs).map(([name, { command, version }]) => {
    try {
      execFileSync(command, version, { stdio: 'ignore' })
      return [name as GateProxyName, true]
    } catch {
      return [name as GateProxyName, false]
    }
  })
}

/** Ports as the configurations have them. */
const written = { proxy: 8480, gate: 8410, api: 8402 }
const portForm = (who: keyof typeof written): RegExp => new RegExp(`(: ?)${written[who]}\\b`, 'g')

/** Starts one between callers and an API; what is changed in its configuration is the ports alone, since several tests may run on one machine. */
export async function startGateProxy(name: GateProxyName, ports: { gate: number; api: number }): Promise<GateProxy> {
  const { command, files, args } = programs[name]
  const directory = newDirectory()
  const [port = 0] = await freePorts(1)
  const [configuration = ''] = files.map((file) => {
    const text = readFileSync(path.join(checkout, 'examples/proxies', file), 'utf8')
    const place = path.join(directory, file)
    // As `127.0.0.1:8410` or `port_value: 8410`.
    const placed = Object.entries({ ...ports, proxy: port })
      .reduce((before, [who, chosen]) => before.replaceAll(portForm(who as keyof typeof written), `$1${chosen}`), text)
      .replaceAll('examples/proxies/', `${directory}/`)
    writeFileSync(place, placed)
    return place
  })
  const child = spawn(command, args(configuration, directory), {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, HOME: directory },
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const isUp = await waitForPort(port, () => child.exitCode === null)
  if (!isUp) throw new Error(`${name} did not start: ${said}`)
  // Traefik listens before it has read its routes.
  while ((await fetch(`http://127.0.0.1:${port}/`)).status === 404) await new Promise((go) => setTimeout(go, 20))
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async stop() {
      child.kill('SIGTERM')
      await ended
      removeDirectory(directory)
    },
  }
}

async function waitForPort(port: number, isAlive: () => boolean): Promise<boolean> {
  while (isAlive()) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true))
      socket.on('error', () => resolve(false))
      socket.on('connect', () => socket.destroy())
    })
    if (isOpen) return true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return false
}
