import { misuse } from '../failure.ts'
import { socketConnection, type Connection } from './connection.ts'
import { checkSocket, locateSocket, type Surroundings } from './locate-socket.ts'

/** Where a command was told to go. */
export interface Target {
  readonly server?: string | undefined
  readonly dataDir?: string | undefined
}

/** To the server that is meant: the one of `--server`, otherwise the one of this machine. */
export async function connect({ server, dataDir }: Target, surroundings: Surroundings): Promise<Connection> {
  if (server === undefined) {
    const { socket } = locateSocket(dataDir, surroundings)
    checkSocket(socket)
    return socketConnection(socket)
  }
  if (dataDir !== undefined) throw misuse('--server and --data-dir name two servers', 'give one of them')
  const { readRemoteCredentials } = await import('./remote-credentials.ts')
  const { remoteConnection } = await import('./remote-connection.ts')
  return remoteConnection(server, readRemoteCredentials(surroundings.environment))
}
