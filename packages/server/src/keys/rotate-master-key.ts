import { existsSync } from 'node:fs'
import type { EpochMs } from '@latchkey/protocol'
import type { Change, ChangeContext } from '../audit/change.ts'
import { Fault } from '../kernel/faults.ts'
import { done, refused } from '../kernel/result.ts'
import { opensDataKeys, rewrapDataKeys, type SealedDataKey } from './data-keys.ts'
import { readMasterKey, type MasterKey, type MasterKeySource } from './master-key.ts'
import { makeMasterKeyFile, nextKeyFile, replaceMasterKeyFile } from './master-key-file.ts'
import type { DataKeyWrites } from './ports.ts'

/*
 * Rotating the master key: the next key is on the disk; then one transaction seals the data keys under it; then its file takes the place of the old
 * one. Whatever cuts this off, the file in use or the one beside it fits what the database holds, and both `settleMasterKey` and a second rotation
 * go on from there. Data keys and all that they seal stay as they are.
 */

/** Where the next master key comes from and what becomes of it. */
export interface NextMasterKey {
  readonly file: string
  readonly key: MasterKey
  /** The file in use, whose place it takes; undefined when whoever runs the servers names the new file to them. */
  readonly replaces: string | undefined
}

/**
 * The next master key: the one in `newKeyFile`, made if it is not there; without that, one beside the file in use. Throws Fault `master_key.wrong`,
 * `master_key.missing`, and `config.invalid` when the key in use is in no file and no new one is named.
 */
export function prepareNextMasterKey(source: MasterKeySource, newKeyFile: string | undefined): NextMasterKey {
  if (newKeyFile === undefined && source.kind === 'value') {
    throw new Fault(
      'config.invalid',
      `the master key is in ${source.name}, which this command cannot change`,
      'name a file for the new one with --new-key-file',
    )
  }
  const replaces = newKeyFile === undefined && source.kind !== 'value' ? source.path : undefined
  const file = newKeyFile ?? nextKeyFile(replaces ?? '')
  if (!existsSync(file)) makeMasterKeyFile(file)
  return { file, key: readMasterKey({ kind: 'file', path: file }), replaces }
}

/**
 * Seals the data keys under the next master key, in one transaction with its audit row. Answers how many; 0 when they were already, by a rotation
 * that was cut off later. Throws Fault `master_key.wrong` when neither key opens them, having changed nothing.
 */
export async function rewrapUnder(
  next: MasterKey,
  current: MasterKey,
  change: Change<{ readonly dataKeys: DataKeyWrites }>,
  context: ChangeContext,
): Promise<number> {
  const outcome = await change(context, async (tx) => {
    const rows = await tx.dataKeys.all()
    if (opensDataKeys(next, rows)) return refused('already' as const)
    await tx.dataKeys.rewrap(rewrapDataKeys(current, next, rows))
    const event = { name: 'master_key.rotated', subject: 'master key', details: { data_keys: rows.length } } as const
    return { ...done(rows.length), event }
  })
  return outcome.ok ? outcome.value : 0
}

/**
 * The master key in force. Where a rotation was cut off after its transaction, the key in use opens nothing and the one beside it does: then that one
 * takes its place. Throws Fault `master_key.missing`, `master_key.wrong`.
 */
export function settleMasterKey(
  source: MasterKeySource,
  rows: readonly SealedDataKey[],
  now: EpochMs,
): { readonly key: MasterKey; readonly finishedRotation: boolean } {
  const key = readMasterKey(source)
  if (source.kind === 'value' || rows.length === 0 || opensDataKeys(key, rows)) return { key, finishedRotation: false }
  const beside = nextKeyFile(source.path)
  if (!existsSync(beside)) return { key, finishedRotation: false }
  const next = readMasterKey({ kind: 'file', path: beside })
  if (!opensDataKeys(next, rows)) return { key, finishedRotation: false }
  replaceMasterKeyFile(source.path, now)
  return { key: next, finishedRotation: true }
}
