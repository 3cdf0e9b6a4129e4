import { lstat, mkdir, mkdtemp, rmdir, unlink } from 'node:fs/promises'
import { connect } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { describeError, Fault } from '../kernel/faults.ts'

/** Longest path of a unix socket that every system takes: 104 bytes with its end on macOS, 108 on Linux. */
const maxSocketPathBytes = 100

/** Of directories made here, and of no others: mkdtemp adds six characters. */
const runtimePrefix = 'latchkey-admin-'
const runtimeName = /^latchkey-admin-[A-Za-z0-9]{6}$/

/** Where the socket will be. `runtimeDirectory` is set when it had to be made for it, and goes when the socket does. */
export interface SocketPlace {
  readonly path: string
  readonly runtimeDirectory: string | undefined
}

/**
 * Makes a place for the socket: its directory exists, is ours and 0700, and nothing stands at the path. A path over 100 bytes moves to a
 * fresh directory of unpredictable name. Throws Fault `admin_socket.unusable`.
 */
export async function prepareSocketPlace(wanted: string): Promise<SocketPlace> {
  const absolute = path.resolve(wanted)
  if (Buffer.byteLength(absolute) > maxSocketPathBytes) return makeRuntimePlace()
  await prepareDirectory(path.dirname(absolute))
  await removeStaleSocket(absolute)
  return { path: absolute, runtimeDirectory: undefined }
}

/**
 * Takes away the runtime directory that a killed server left behind. Touches nothing but an empty directory of ours, or one with a dead
 * socket in it. Throws Fault `admin_socket.unusable` when a server still answers there.
 */
export async function removeLeftoverPlace(previous: string): Promise<void> {
  const directory = path.dirname(previous)
  if (!runtimeName.test(path.basename(directory))) return
  const found = await lstat(directory).catch(() => undefined)
  if (found?.isDirectory() !== true || found.uid !== process.geteuid?.()) return
  await removeStaleSocket(previous)
  await rmdir(directory).catch(() => undefined)
}

async function makeRuntimePlace(): Promise<SocketPlace> {
  for (const base of [process.env['XDG_RUNTIME_DIR'], os.tmpdir(), '/tmp']) {
    if (base === undefined || base === '' || Buffer.byteLength(base) > maxSocketPathBytes - 30) continue
    try {
      // mkdtemp makes it 0700 and fails rather than take one that is there.
      const runtimeDirectory = await mkdtemp(path.join(base, runtimePrefix))
      return { path: path.join(runtimeDirectory, 'admin.sock'), runtimeDirectory }
    } catch {
      continue
    }
  }
  throw unusable(
    'no runtime directory can be made for the admin socket',
    'set LATCHKEY_ADMIN_SOCKET to a path of 100 bytes at most',
  )
}

async function prepareDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw unusable(`cannot make ${directory}: ${describeError(error)}`, 'set LATCHKEY_ADMIN_SOCKET to another path')
  }
  const found = await lstat(directory)
  if (!found.isDirectory()) {
    throw unusable(`${directory} is not a directory`, 'set LATCHKEY_ADMIN_SOCKET to a path in a directory of its own')
  }
  if (found.uid !== process.geteuid?.()) {
    throw unusable(
      `${directory} belongs to user ${found.uid}`,
      'start the server as that user, or set LATCHKEY_ADMIN_SOCKET',
    )
  }
  if ((found.mode & 0o777) !== 0o700) {
    const mode = (found.mode & 0o777).toString(8).padStart(4, '0')
    throw unusable(`the mode of ${directory} is ${mode}, and not 0700`, `chmod 700 ${directory}`)
  }
}

/** Removes a socket on which nobody answers. Whoever could put one there in between owns the directory, which is us. */
async function removeStaleSocket(socketPath: string): Promise<void> {
  const found = await lstat(socketPath).catch(() => undefined)
  if (found === undefined) return
  if (!found.isSocket()) throw unusable(`${socketPath} is there and is not a socket`, 'move it away')
  const answer = await probe(socketPath)
  if (answer === 'ENOENT') return
  if (answer !== 'ECONNREFUSED') {
    const what =
      answer === 'answers' ? 'another server answers' : `cannot tell whether another server answers (${answer})`
    throw unusable(`${what} on ${socketPath}`, 'stop it, or start this one with another data directory')
  }
  await unlink(socketPath)
}

/** `answers`, or the error code with which connecting failed. */
function probe(socketPath: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(socketPath)
    socket.once('connect', () => {
      socket.destroy()
      resolve('answers')
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? error.message)
    })
  })
}

function unusable(message: string, remedy: string): Fault {
  return new Fault('admin_socket.unusable', message, remedy)
}
