import type { Clock } from '../kernel/clock.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import type { CheckpointKey } from '../keys/signing-keys.ts'
import type { LogPosition } from './log/checkpoint.ts'
import type { AuditLogStore } from './ports.ts'

/** What reading the audit log takes: for `audit list`, `verify` and `export`. */
export interface AuditReader {
  /** The directory of all logs. */
  readonly directory: string
  /** Names this machine and data directory, as logs were registered with. */
  readonly host: string
  /** Whether the files of a host's logs lie in this directory. */
  readonly isHere: (host: string) => boolean
  readonly dataKeys: DataKeys
  readonly checkpointKey: CheckpointKey
  readonly store: AuditLogStore
  readonly clock: Clock
  /** The log that this process is writing. */
  readonly live: { readonly id: string; written(): LogPosition }
  /** Runs work while no segment expires. */
  undisturbed<T>(work: () => Promise<T>): Promise<T>
}
