import type { Clock } from '../kernel/clock.ts'
import type { Logger } from '../kernel/log.ts'
import type { Random } from '../kernel/random.ts'

/** What the server takes from the process around it; tests hand in their own. */
export interface Surroundings {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly version: string
  /** Tells whoever started the server something that is no log line, on one line. */
  readonly announce?: (line: string) => void
}
