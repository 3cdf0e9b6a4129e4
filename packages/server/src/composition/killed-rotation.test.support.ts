import { linkSync } from 'node:fs'
import path from 'node:path'
import { chainRow } from '../audit/row-chain.ts'
import { systemClock } from '../kernel/clock.ts'
import { openDataKeys } from '../keys/data-keys.ts'
import { prepareNextMasterKey, rewrapUnder, settleMasterKey } from '../keys/rotate-master-key.ts'
import { openStore } from '../store/open-store.ts'

/*
 * A process of its own that rotates the master key of a data directory up to a step, and then dies of SIGKILL: `made` (the next key is on the disk),
 * `rewrapped` (and the transaction is committed), `linked` (and the old key has its second name).
 */

const [directory = '', lastStep = ''] = process.argv.slice(2)

function dieAfter(step: string): void {
  if (step === lastStep) process.kill(process.pid, 'SIGKILL')
}

const store = await openStore({ kind: 'sqlite', path: path.join(directory, 'latchkey.db') })
const file = path.join(directory, 'master.key')
const source = { kind: 'development-file', path: file, fresh: false } as const
const rows = await store.keys.loadDataKeys()
const now = systemClock.now()
const { key } = settleMasterKey(source, rows, now)
const next = prepareNextMasterKey(source, undefined)
dieAfter('made')
const dataKeys = openDataKeys(key, rows)
const sealer = { keyId: () => dataKeys.current('audit-mac'), chain: chainRow.bind(undefined, dataKeys) }
const change = store.changes(sealer, () => Promise.resolve())
await rewrapUnder(next.key, key, change, { actor: 'command-line', requestId: 'test', now })
dieAfter('rewrapped')
linkSync(file, `${file}.before-20260101T000000Z${process.pid}`)
dieAfter('linked')
