import { existsSync, lstatSync, readFileSync, statSync, type Stats } from 'node:fs'
import path from 'node:path'
import { Failure } from '../failure.ts'

/** Longer paths than this are not where the server listens: it moves, and says where in `admin.json`. In bytes. */
const maxSocketPathBytes = 100

const pointerName = 'admin.json'

export interface SocketPlace {
  readonly socket: string
  /** Absent when the socket was named directly. */
  readonly dataDirectory: string | undefined
}

export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly workingDirectory: string
}

/**
 * Where the server of this machine listens for administrators: by `--data-dir`, then `LATCHKEY_ADMIN_SOCKET`, then `LATCHKEY_DATA_DIR`, then the
 * nearest `.latchkey` here or above. Fails with `server.not_running`, exit code 2, and with `admin_socket.not_ours` when that `.latchkey` is
 * not this user's alone to change: nobody named it. Does not check that the socket can be trusted, see {@link checkSocket}.
 */
export function locateSocket(dataDirectoryOption: string | undefined, surroundings: Surroundings): SocketPlace {
  const socket = surroundings.environment['LATCHKEY_ADMIN_SOCKET']
  if (dataDirectoryOption === undefined && socket && Buffer.byteLength(socket) <= maxSocketPathBytes) {
    return { socket: path.resolve(surroundings.workingDirectory, socket), dataDirectory: undefined }
  }
  const dataDirectory = locateDataDirectory(dataDirectoryOption, surroundings)
  if (dataDirectory === undefined) {
    throw notRunning(`no server at ${path.join(surroundings.workingDirectory, '.latchkey')} or above`)
  }
  if (isNamed(dataDirectoryOption, surroundings)) return { socket: readPointer(dataDirectory), dataDirectory }
  // The link, if it is one, and what it leads to.
  for (const found of [lstatSync(dataDirectory), statSync(dataDirectory)]) refuseOthers(dataDirectory, found)
  const pointer = path.join(dataDirectory, pointerName)
  const found = lstatSync(pointer, { throwIfNoEntry: false })
  if (found !== undefined) refuseOthers(pointer, found)
  return { socket: readPointer(dataDirectory), dataDirectory }
}

/** The data directory that is meant, whether or not it exists; undefined when none is named and none is near. */
export function locateDataDirectory(option: string | undefined, surroundings: Surroundings): string | undefined {
  const { environment, workingDirectory } = surroundings
  const named = option ?? (environment['LATCHKEY_DATA_DIR'] || undefined)
  if (named !== undefined) return path.resolve(workingDirectory, named)
  for (let folder = workingDirectory; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, '.latchkey')
    if (existsSync(candidate)) return candidate
    if (folder === path.dirname(folder)) return undefined
  }
}

/**
 * Refuses a socket that another user made, or could replace: whoever listens there would be handed names and tokens, and could answer anything.
 * Fails with `server.not_running` or `admin_socket.not_ours`.
 */
export function checkSocket(socket: string): void {
  const found = lstatSync(socket, { throwIfNoEntry: false })
  if (found === undefined) throw notRunning(`no server at ${socket}`)
  if (!found.isSocket()) throw notOurs(`${socket} is not a socket`, 'name the data directory with --data-dir')
  const ours = process.geteuid?.()
  if (found.uid !== ours) {
    throw notOurs(
      `${socket} belongs to user ${found.uid}, and this is user ${ours}`,
      'run the command as the user that the server runs as',
    )
  }
  refuseOthers(path.dirname(socket), statSync(path.dirname(socket)))
}

/** Fails with `admin_socket.not_ours` when another user owns it or may write it. A link has no mode of its own. */
function refuseOthers(file: string, found: Stats): void {
  const remedy = 'run the command as the user that the server runs as'
  if (found.uid !== process.geteuid?.()) throw notOurs(`${file} belongs to user ${found.uid}`, remedy)
  if (!found.isSymbolicLink() && (found.mode & 0o022) !== 0) {
    throw notOurs(`others may write ${file}`, `take that right away (chmod go-w ${file}) if it is yours`)
  }
}

function notOurs(message: string, hint: string): Failure {
  return new Failure(2, 'admin_socket.not_ours', message, hint)
}

export function notRunning(message: string): Failure {
  return new Failure(
    2,
    'server.not_running',
    message,
    'start one with `npm start` or `latchkey dev`, or name its data directory with --data-dir',
  )
}

function isNamed(option: string | undefined, { environment }: Surroundings): boolean {
  return option !== undefined || !!environment['LATCHKEY_DATA_DIR']
}

function readPointer(dataDirectory: string): string {
  const file = path.join(dataDirectory, pointerName)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw notRunning(`no server at ${dataDirectory}`)
    throw notOurs(`cannot read ${file}`, 'run the command as the user that the server runs as')
  }
  try {
    const { socket } = JSON.parse(text) as { socket?: unknown }
    if (typeof socket === 'string' && path.isAbsolute(socket)) return socket
  } catch {
    // Said below.
  }
  throw notRunning(`${file} names no socket`)
}
