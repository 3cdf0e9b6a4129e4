import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from '../config/config.ts'
import type { Listener } from '../http/listener.ts'
import { once } from '../kernel/background.ts'
import { drainMs } from './stopping.ts'

/** What partners reach: the listener of this process, or that of the workers under it. */
export interface PublicSide {
  readonly port: number
  /** Goes on serving for the drain delay while connections are asked to close, then lets requests under way finish. Once, however often it is called. */
  stop(): Promise<void>
}

/** The listener of this process; without having been asked to stop, it is drained at once when `started` is given back. */
export function ownPublicSide(listener: Listener, config: Config, started: AsyncDisposableStack): PublicSide {
  const drain = once(() => listener.drain(drainMs(config)))
  started.defer(drain)
  return {
    port: listener.port,
    async stop() {
      listener.windDown()
      await sleep(config.drainDelayMs)
      await drain()
    },
  }
}
