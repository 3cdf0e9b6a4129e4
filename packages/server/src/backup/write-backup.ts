import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import type { Clock } from '../kernel/clock.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import { backupMac } from './backup-mac.ts'
import { backupFormat, endLine, headerLine, rowLine, type BackupHeader } from './format.ts'
import type { BackupSource } from './ports.ts'

export interface BackupWriter {
  readonly source: BackupSource
  readonly dataKeys: DataKeys
  readonly clock: Clock
  readonly issuer: string
  readonly version: string
}

/** What a finished backup amounts to. */
export interface BackupSummary {
  readonly rows: number
  readonly bytes: number
  /** Hexadecimal SHA-256 of the file. */
  readonly sha256: string
}

/**
 * A backup of one moment, as the bytes of its file. Read page by page, with a turn of the event loop between pages, so that token requests are
 * answered meanwhile. `finished` is awaited before the last bytes leave: what it rejects with ends the stream with an error, like anything else
 * that fails; a stream that ended in order is a whole backup.
 */
export function writeBackup(writer: BackupWriter, finished: (summary: BackupSummary) => Promise<void>): Readable {
  let rows = 0
  const lines = Readable.from(
    backupLines(writer, (count) => (rows += count)),
    { objectMode: false },
  )
  const gzip = createGzip({ level: 6 })
  lines.once('error', (error) => gzip.destroy(error))
  // A reader that goes away ends the transaction in which the database is read.
  gzip.once('close', () => lines.destroy())
  return Readable.from(
    measured(lines.pipe(gzip), () => rows, finished),
    { objectMode: false },
  )
}

async function* backupLines(writer: BackupWriter, counted: (rows: number) => void): AsyncGenerator<Buffer> {
  const { source, dataKeys, clock, issuer, version } = writer
  await using snapshot = await source.snapshot()
  const hash = createHash('sha256')
  const keyId = dataKeys.current('audit-mac')
  const header: BackupHeader = {
    latchkey_backup: backupFormat,
    version,
    issuer,
    made_at: clock.now(),
    migrations: snapshot.migrations,
    last_row: snapshot.lastRow,
    tables: snapshot.tables,
    key_id: keyId,
  }
  yield hashed(headerLine(header))
  for (const table of snapshot.tables) {
    for await (const page of snapshot.rows(table)) {
      counted(page.length)
      yield hashed(page.map((values) => rowLine(table.name, values)).join(''))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  yield Buffer.from(endLine(backupMac(dataKeys, keyId, hash.digest())))

  function hashed(text: string): Buffer {
    const bytes = Buffer.from(text)
    hash.update(bytes)
    return bytes
  }
}

/** Passes chunks on one behind, so that `finished` comes before the last. */
async function* measured(
  chunks: AsyncIterable<Buffer>,
  rows: () => number,
  finished: (summary: BackupSummary) => Promise<void>,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  let bytes = 0
  let held: Buffer | undefined
  for await (const chunk of chunks) {
    if (held !== undefined) yield held
    hash.update(chunk)
    bytes += chunk.length
    held = chunk
  }
  await finished({ rows: rows(), bytes, sha256: hash.digest('hex') })
  if (held !== undefined) yield held
}
