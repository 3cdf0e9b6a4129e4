import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fastify } from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fault } from '../kernel/faults.ts'
import { openAdminSocket, type AdminSocket } from './admin-socket.ts'

let home: string
let opened: AdminSocket[] = []

beforeEach(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'lk-sock-'))
})

afterEach(async () => {
  for (const socket of opened) await socket.close()
  opened = []
  await rm(home, { recursive: true, force: true })
})

describe('admin socket', () => {
  it('is 0600 in a directory of 0700, named in admin.json, and gone after close', async () => {
    const socket = await open()
    expect(socket.path).toBe(path.join(home, 'admin', 'admin.sock'))
    expect(await mode(socket.path)).toBe(0o600)
    expect(await mode(path.dirname(socket.path))).toBe(0o700)
    expect(await pointer()).toEqual({ socket: socket.path })
    expect(await mode(path.join(home, 'admin.json'))).toBe(0o600)
    await socket.close()
    expect(await readdir(home)).toEqual(['admin'])
    expect(await readdir(path.join(home, 'admin'))).toEqual([])
  })

  it('takes a path of its own', async () => {
    const wanted = path.join(home, 'run', 'x.sock')
    const socket = await open({ socketPath: wanted })
    expect(socket.path).toBe(wanted)
    expect(await pointer()).toEqual({ socket: wanted })
  })

  it('moves a path over 100 bytes to a fresh directory of 0700, and removes that again', async () => {
    const dataDirectory = path.join(home, 'd'.repeat(100))
    await mkdir(dataDirectory)
    const socket = await open({ dataDirectory })
    const directory = path.dirname(socket.path)
    expect(Buffer.byteLength(socket.path)).toBeLessThanOrEqual(100)
    expect(await mode(directory)).toBe(0o700)
    expect(await pointer(dataDirectory)).toEqual({ socket: socket.path })
    await socket.close()
    await expect(lstat(directory)).rejects.toThrow('ENOENT')
  })

  it('removes the socket and the runtime directory of a server that was killed', async () => {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'latchkey-admin-'))
    const dead = path.join(directory, 'admin.sock')
    await leaveDeadSocket(dead)
    await writeFile(path.join(home, 'admin.json'), JSON.stringify({ socket: dead }))
    await open()
    await expect(lstat(directory)).rejects.toThrow('ENOENT')
  })

  it('leaves alone what an earlier pointer names outside such a directory', async () => {
    const directory = path.join(home, 'latchkey-admin-of-mine')
    await mkdir(directory, { mode: 0o700 })
    const dead = path.join(directory, 'admin.sock')
    await leaveDeadSocket(dead)
    await writeFile(path.join(home, 'admin.json'), JSON.stringify({ socket: dead }))
    await open()
    expect((await lstat(dead)).isSocket()).toBe(true)
  })

  it('replaces a socket on which nobody answers', async () => {
    await mkdir(path.join(home, 'admin'), { mode: 0o700 })
    await leaveDeadSocket(path.join(home, 'admin', 'admin.sock'))
    expect((await open()).path).toBe(path.join(home, 'admin', 'admin.sock'))
  })

  it('starts over a pointer that is not one', async () => {
    await writeFile(path.join(home, 'admin.json'), '{"socket":')
    await open()
    expect(await pointer()).toHaveProperty('socket')
  })

  const unusable: [string, () => Promise<unknown>, RegExp, RegExp][] = [
    [
      'a directory that others may enter',
      async () => {
        await mkdir(path.join(home, 'admin'))
        await chmod(path.join(home, 'admin'), 0o750)
      },
      /mode of .*admin is 0750/,
      /^chmod 700 .*admin$/,
    ],
    [
      'a directory that is a link',
      () => symlink(home, path.join(home, 'admin')),
      /not a directory/,
      /LATCHKEY_ADMIN_SOCKET/,
    ],
    [
      'a directory that is a file',
      () => writeFile(path.join(home, 'admin'), ''),
      /cannot make .*EEXIST/,
      /another path/,
    ],
    [
      'a file in its place',
      async () => {
        await mkdir(path.join(home, 'admin'), { mode: 0o700 })
        await writeFile(path.join(home, 'admin', 'admin.sock'), 'precious')
      },
      /is not a socket/,
      /move it away/,
    ],
    ['a server that answers', () => open(), /another server answers/, /stop it/],
  ]
  it.each(unusable)('refuses %s', async (_title, arrange, message, remedy) => {
    await arrange()
    const fault = await open().then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(fault).toBeInstanceOf(Fault)
    expect(fault).toMatchObject({
      code: 'admin_socket.unusable',
      message: expect.stringMatching(message) as string,
      remedy: expect.stringMatching(remedy) as string,
    })
  })

  it.runIf(process.geteuid?.() === 0)('refuses a directory of another user', async () => {
    const directory = path.join(home, 'admin')
    await mkdir(directory, { mode: 0o700 })
    await chown(directory, 65534, 65534)
    await expect(open()).rejects.toMatchObject({ code: 'admin_socket.unusable', message: /belongs to user 65534/ })
  })
})

async function open(options: { dataDirectory?: string; socketPath?: string } = {}): Promise<AdminSocket> {
  const socket = await openAdminSocket({ app: fastify(), dataDirectory: home, ...options })
  opened.push(socket)
  return socket
}

/** A process that is killed while it listens leaves its socket behind. */
async function leaveDeadSocket(socketPath: string): Promise<void> {
  const script = `require('node:net').createServer().listen(${JSON.stringify(socketPath)}, () => console.log('up'))`
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect((await lstat(socketPath)).isSocket()).toBe(true)
}

async function mode(file: string): Promise<number> {
  return (await lstat(file)).mode & 0o777
}

async function pointer(directory = home): Promise<unknown> {
  return JSON.parse(await readFile(path.join(directory, 'admin.json'), 'utf8'))
}
