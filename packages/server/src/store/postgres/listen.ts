import type { Client } from 'pg'
import type { Listen } from '../change-feed.ts'
import type { ConnectionSettings } from './connection-settings.ts'
import { answered, connectAlone, hangUp, requestPatience } from './pool.ts'

/** Time before the next attempt, in milliseconds, when the connection broke. */
const retryMs = 1000

/** How often an otherwise silent connection is asked whether it still is one, in milliseconds. */
const checkMs = 15_000

/** Listens for NOTIFY on a connection of its own, and connects again for as long as it takes. */
export function listenOn(settings: ConnectionSettings, channel: string): Listen {
  return (wake) => {
    let client: Client | undefined
    let timer: NodeJS.Timeout | undefined
    let isStopped = false
    let attempt = connect()

    async function connect(): Promise<void> {
      try {
        const connection = await connectAlone(settings)
        client = connection
        connection.on('notification', wake)
        connection.once('end', retry)
        await answered(connection, connection.query(`listen ${channel}`), requestPatience.answerMs)
        // What was said while nobody listened.
        wake()
        check(connection)
      } catch {
        // Polling finds what this misses, and says when the database is away.
        retry()
      }
    }

    function check(connection: Client): void {
      timer = setTimeout(() => {
        answered(connection, connection.query('select 1'), requestPatience.answerMs).then(
          () => {
            if (connection === client) check(connection)
          },
          () => retry(),
        )
      }, checkMs)
      timer.unref()
    }

    function retry(): void {
      if (client !== undefined) {
        client.removeListener('end', retry)
        hangUp(client)
      }
      client = undefined
      clearTimeout(timer)
      if (isStopped) return
      timer = setTimeout(() => {
        attempt = connect()
      }, retryMs)
      timer.unref()
    }

    return async () => {
      isStopped = true
      clearTimeout(timer)
      await attempt
      clearTimeout(timer)
      if (client !== undefined) hangUp(client)
    }
  }
}
