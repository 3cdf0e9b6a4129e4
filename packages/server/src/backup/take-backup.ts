import type { Readable } from 'node:stream'
import type { Change, ChangeContext } from '../audit/change.ts'
import { done } from '../kernel/result.ts'
import { writeBackup, type BackupWriter } from './write-backup.ts'

/**
 * Begins a backup. Who takes it is recorded before anything leaves, so that it is known who may have read everything; and again, with its size and
 * SHA-256, when all of it but the last bytes has left. The row of its beginning is in the backup itself.
 */
export async function takeBackup(
  writer: BackupWriter,
  change: Change<unknown>,
  context: ChangeContext,
): Promise<Readable> {
  await change(context, () =>
    Promise.resolve({ ...done(undefined), event: { name: 'backup.started', subject: '', details: {} } }),
  )
  return writeBackup(writer, async ({ rows, bytes, sha256 }) => {
    const event = { name: 'backup.taken', subject: '', details: { rows, bytes, sha256 } } as const
    await change({ ...context, now: writer.clock.now() }, () => Promise.resolve({ ...done(undefined), event }))
  })
}
