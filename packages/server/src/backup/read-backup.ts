import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { describeError, Fault } from '../kernel/faults.ts'
import { maxLineLength, parseLine, type BackupLine } from './format.ts'

/** The contents of a backup's file. */
export interface BackupReading {
  /** Lines from the header to the end, nothing left out. Throws Fault `backup.invalid` for what is no backup, or only a part of one. */
  readonly lines: AsyncIterable<BackupLine>
  /** SHA-256 over everything before the end; once the end was read. */
  contentSha256(): Buffer
}

/**
 * Reads a backup from the beginning, in bounded memory. Checks its form (gzip, one header first, one end last), not its MAC nor whether rows
 * and counts fit the header: see `verify-backup.ts`.
 */
export function readBackup(file: string): BackupReading {
  let digest: Buffer | undefined
  async function* lines(): AsyncGenerator<BackupLine> {
    const hash = createHash('sha256')
    let number = 0
    for await (const bytes of splitLines(file)) {
      number++
      if (digest !== undefined) throw invalid(file, 'something follows its end')
      const line = parseLine(bytes.toString('utf8'))
      if (line === undefined) {
        throw invalid(
          file,
          number === 1 ? 'it does not begin like a backup of this format' : `line ${number} is damaged`,
        )
      }
      if ((line.kind === 'header') !== (number === 1)) throw invalid(file, `line ${number} is out of place`)
      if (line.kind === 'end') digest = hash.digest()
      else hash.update(bytes).update('\n')
      yield line
    }
    if (digest === undefined) throw invalid(file, 'it is cut off: its end is missing')
  }
  return {
    lines: lines(),
    contentSha256() {
      if (digest === undefined) throw new Error('the end was not read yet')
      return digest
    },
  }
}

/** The lines of a gzip file without their newlines. A last one without a newline is left out: it was cut off. */
async function* splitLines(file: string): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  try {
    const source = createReadStream(file)
    const gunzip = createGunzip()
    source.once('error', (error) => gunzip.destroy(error))
    gunzip.once('close', () => source.destroy())
    for await (const chunk of source.pipe(gunzip) as AsyncIterable<Buffer>) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      let start = 0
      for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
        yield bytes.subarray(start, end)
        start = end + 1
      }
      rest = bytes.subarray(start)
      if (rest.length > maxLineLength) throw invalid(file, 'a line is longer than any that a backup has')
    }
  } catch (error) {
    if (error instanceof Fault) throw error
    throw unreadable(file, error)
  }
  if (rest.length > 0) throw invalid(file, 'it is cut off in the middle of a line')
}

function unreadable(file: string, error: unknown): Fault {
  const { code } = error as NodeJS.ErrnoException
  const isOfGzip = code?.startsWith('Z_') === true
  const remedy = isOfGzip
    ? 'take another copy of the backup, or an earlier one'
    : 'name a file that this user may read; nothing was changed'
  const why = isOfGzip ? `it is no whole gzip file (${describeError(error)})` : describeError(error)
  return new Fault('backup.invalid', `cannot read the backup ${file}: ${why}`, remedy, { cause: error })
}

export function invalid(file: string, why: string): Fault {
  return new Fault(
    'backup.invalid',
    `${file} is not a whole, unchanged backup: ${why}`,
    'take another copy of the backup, or an earlier one; nothing was changed',
  )
}
