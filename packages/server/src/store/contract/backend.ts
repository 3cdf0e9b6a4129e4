import type { Change } from '../../audit/change.ts'
import type { Store, StoreOptions } from '../open-store.ts'
import type { Announce, ChangeTransaction, RowSealer } from '../sql/change.ts'

/** A store whose keys are known, so that it takes changes. */
export interface OpenedStore extends Store {
  readonly change: Change<ChangeTransaction>
}

/** What the suite puts around a store. */
export interface StoreWiring extends StoreOptions {
  readonly sealer: RowSealer
  readonly announce: Announce
}

/** An empty, migrated database of its own for one test. */
export interface Backend {
  /** Whether several handles may write at once, and wait for each other. An embedded database refuses one that meets another's change. */
  readonly isShared: boolean
  /** Opens one more handle, as another process would; after `close`, what was committed is still there. */
  open(wiring: StoreWiring): Promise<OpenedStore>
  /** Removes the database. Every handle has been closed. */
  remove(): Promise<void>
}

export type OpenBackend = () => Promise<Backend>
