import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { FastifyInstance } from 'fastify'
import { describeError, Fault } from '../kernel/faults.ts'
import { prepareSocketPlace, removeLeftoverPlace } from './socket-place.ts'

export interface AdminSocketOptions {
  /** Of `createLocalAdminApp`. */
  readonly app: FastifyInstance
  /** Must exist; the caller holds its lock. */
  readonly dataDirectory: string
  /** `LATCHKEY_ADMIN_SOCKET`; `<data directory>/admin/admin.sock` when absent. */
  readonly socketPath?: string | undefined
}

export interface AdminSocket {
  /** Where it listens: not the path asked for when that was over 100 bytes. */
  readonly path: string
  /** Stops listening, closes the app, and removes what {@link openAdminSocket} made. */
  close(): Promise<void>
}

/**
 * Listens for administrators of this machine. Whoever can open the socket is one, so it is 0600 in a directory of its own that is 0700 and ours: the
 * data directory's mode is not relied on, since a volume's is often not for us to choose. Its place is written to `<data directory>/admin.json`,
 * the one way in which the CLI finds it. Throws Fault `admin_socket.unusable`.
 */
export async function openAdminSocket(options: AdminSocketOptions): Promise<AdminSocket> {
  const { app, dataDirectory } = options
  const pointer = path.join(dataDirectory, 'admin.json')
  const previous = await readPointer(pointer)
  if (previous !== undefined) await removeLeftoverPlace(previous)
  const place = await prepareSocketPlace(options.socketPath ?? path.join(dataDirectory, 'admin', 'admin.sock'))
  try {
    await app.listen({ path: place.path })
    await chmod(place.path, 0o600)
    await writePointer(pointer, place.path)
  } catch (error) {
    await app.close()
    if (place.runtimeDirectory !== undefined) await rm(place.runtimeDirectory, { recursive: true, force: true })
    throw new Fault(
      'admin_socket.unusable',
      `cannot listen on ${place.path}: ${describeError(error)}`,
      'check the directory, or set LATCHKEY_ADMIN_SOCKET to another path',
      { cause: error },
    )
  }
  return {
    path: place.path,
    async close() {
      await app.close()
      if (place.runtimeDirectory !== undefined) await rm(place.runtimeDirectory, { recursive: true, force: true })
      if ((await readPointer(pointer)) === place.path) await rm(pointer, { force: true })
    },
  }
}

async function readPointer(file: string): Promise<string | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'))
    if (typeof value !== 'object' || value === null || !('socket' in value)) return undefined
    return typeof value.socket === 'string' ? value.socket : undefined
  } catch {
    // None, or not one of ours: it is written anew.
    return undefined
  }
}

/** Replaced in one step, so that nobody reads half of it. */
async function writePointer(file: string, socket: string): Promise<void> {
  const fresh = `${file}.new`
  await rm(fresh, { force: true })
  await writeFile(fresh, `${JSON.stringify({ socket })}\n`, { mode: 0o600, flag: 'wx' })
  await rename(fresh, file)
}
