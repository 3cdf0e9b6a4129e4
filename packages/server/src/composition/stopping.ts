import type { Config } from '../config/config.ts'

/** How long delay and drain may take together, in milliseconds, before connections are cut: a container is killed after ten seconds. */
const stopMs = 9000

/** The least that a drain gets, however long the delay. */
const leastDrainMs = 4000

/** How long requests under way get when a server stops, in milliseconds. */
export function drainMs({ drainDelayMs }: Config): number {
  return Math.max(leastDrainMs, stopMs - drainDelayMs)
}
