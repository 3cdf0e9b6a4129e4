import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { compare, durationMs } from './compare.ts'
import { load } from './load.ts'
import { startSubject, type Subject } from './subject.ts'

/**
 * What a check costs a caller: an API behind nginx, with the configuration of `examples/proxies/gate-nginx.conf` as it is, and without its line that asks. Says so
 * where there is no nginx.
 */
export async function measureNginx(
  gatePort: number,
  variants: readonly Readonly<Record<string, string>>[],
): Promise<void> {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore' })
  } catch {
    console.log('\nThere is no nginx here: the cost of a check through it was not measured')
    return
  }
  const api = await startSubject<Pick<Subject, 'port'>>('./bare-api-server.ts')
  const written = new URL('../../examples/proxies/gate-nginx.conf', import.meta.url)
  const configuration = (await readFile(written, 'utf8'))
    .replaceAll('127.0.0.1:8410', `127.0.0.1:${gatePort}`)
    .replaceAll('127.0.0.1:8402', `127.0.0.1:${api.port}`)
  const without = await startNginx(configuration.replace('auth_request /_latchkey/check;', ''))
  const withCheck = await startNginx(configuration)
  for (const connections of [1, 16]) {
    const call = (port: number) => () =>
      // From another address of this machine than the proxy's, which a policy may name.
      load({
        port,
        method: 'GET',
        path: '/configurations/17',
        headers: {},
        variants,
        body: '',
        connections,
        durationMs,
        from: '127.0.0.9',
      })
    await compare(`Calls of an API through nginx, ${connections} at a time`, 'calls', {
      'nginx without a check': call(without.port),
      'nginx that asks the gate': call(withCheck.port),
    })
  }
  await Promise.all([without.stop(), withCheck.stop(), api.stop()])
}

async function startNginx(configuration: string): Promise<Pick<Subject, 'port' | 'stop'>> {
  const directory = await mkdtemp(path.join(tmpdir(), 'latchkey-nginx-'))
  const port = await freePort()
  const file = path.join(directory, 'nginx.conf')
  await writeFile(file, configuration.replaceAll(':8480', `:${port}`))
  const child = spawn('nginx', ['-p', directory, '-c', file, '-g', 'daemon off;'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  while (!(await isOpen(port))) await new Promise((resolve) => setTimeout(resolve, 50))
  return {
    port,
    async stop() {
      const ended = once(child, 'close')
      child.kill('SIGTERM')
      await ended
      await rm(directory, { recursive: true })
    },
  }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
