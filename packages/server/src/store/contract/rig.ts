import { randomBytes } from 'node:crypto'
import { test, type TestAPI } from 'vitest'
import type { ChangeContext } from '../../audit/change.ts'
import { chainRow } from '../../audit/row-chain.ts'
import type { CredentialMaker } from '../../clients/secrets.ts'
import { seededRandom, settableClock, type SettableClock } from '../../kernel/fixed-surroundings.test.support.ts'
import { createDataKey, dataKeyPurposes, openDataKeys, type DataKeys } from '../../keys/data-keys.ts'
import type { RowSealer } from '../sql/change.ts'
import type { ChangeNotice } from '../sql/touched.ts'
import type { OpenBackend, OpenedStore, StoreWiring } from './backend.ts'

/** What one test of the contract works on: a fresh database with one handle, and a clock and ids that it controls. */
export interface Rig {
  readonly store: OpenedStore
  /** Everything that any handle announced, in order. */
  readonly notices: readonly ChangeNotice[]
  readonly clock: SettableClock
  readonly dataKeys: DataKeys
  readonly maker: CredentialMaker
  context(): ChangeContext
  /** One more handle on the same database; closed after the test. */
  open(wiring?: Partial<StoreWiring>): Promise<OpenedStore>
  /** Handles that write at once, as several processes would; where the backend is for one process only, the same one again. */
  writers(count: number): Promise<OpenedStore[]>
  readonly sealer: RowSealer
  /** What has to end before the handles are closed. */
  beforeClosing(end: () => Promise<void>): void
  /** Closes every handle. */
  closeAll(): Promise<void>
}

const closingMs = 20_000

/** `test` with a {@link Rig}. */
export function rigTest(openBackend: OpenBackend): TestAPI<{ rig: Rig }> {
  return test.extend<{ rig: Rig }>({
    // eslint-disable-next-line no-empty-pattern -- vitest reads which fixtures a fixture needs off this pattern
    rig: async ({}, use) => {
      const backend = await openBackend()
      const notices: ChangeNotice[] = []
      const handles = new Set<OpenedStore>()
      const clock = settableClock()
      const random = seededRandom('store contract')
      const masterKey = randomBytes(32)
      const dataKeys = openDataKeys(
        masterKey,
        dataKeyPurposes.map((purpose) => createDataKey(masterKey, purpose, random, clock.now())),
      )
      const sealer: RowSealer = {
        keyId: () => dataKeys.current('audit-mac'),
        chain: (previousMac, row) => chainRow(dataKeys, previousMac, row),
      }
      const open = async (wiring: Partial<StoreWiring> = {}) => {
        const handle = await backend.open({
          sealer,
          announce: (notice) => {
            notices.push(notice)
            return Promise.resolve()
          },
          ...wiring,
        })
        handles.add(handle)
        return handle
      }
      const endings: (() => Promise<void>)[] = []
      const closeAll = async () => {
        for (const end of endings.splice(0)) await end()
        for (const handle of handles) await handle.close()
        handles.clear()
      }
      let requests = 0
      try {
        const store = await open()
        await use({
          store,
          writers: (count) =>
            Promise.all(Array.from({ length: count }, () => (backend.isShared ? open() : Promise.resolve(store)))),
          notices,
          clock,
          dataKeys,
          maker: { random, dataKeys, environment: 'test' },
          context: () => ({ actor: 'local-socket', requestId: `request-${++requests}`, now: clock.now() }),
          open,
          sealer,
          beforeClosing: (end) => void endings.push(end),
          closeAll,
        })
      } finally {
        await within(closingMs, 'the handles were not closed', closeAll())
        await within(closingMs, 'the database was not removed', backend.remove())
      }
    },
  })
}

/** vitest gives the end of a fixture no time of its own: one that never comes would hold up the whole run, and name no test. */
async function within(ms: number, otherwise: string, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${otherwise} within ${ms} ms`)), ms)
  })
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}
