import { createHash } from 'node:crypto'
import { link, open, rename, rm } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { backupRoute } from '@latchkey/admin-contract/routes'
import { Option, type Command } from 'commander'
import { Failure } from '../failure.ts'
import { record } from '../output/layout.ts'
import { verb } from '../verb.ts'

interface Options {
  readonly force?: boolean
}

/** `backup FILE`: everything in the database, through the running server. */
export function backupCommand(): Command {
  return verb<Options>({
    usage: 'backup <FILE>',
    summary: 'write everything in the database to a file, while the server runs',
    examples: ['latchkey backup latchkey-2026-11-23.backup', 'latchkey backup /backups/latest --force --json'],
    notes:
      'The file holds no master key, and is worth nothing without it: keep both, apart from each other. What is in it must not be read by others all the same. The files of the audit log stay beside it: copy <data directory>/audit as well.',
    options: [new Option('--force', 'replace a file that is there')],
    async run({ args, options, download, print }) {
      const file = path.resolve(args[0] ?? '')
      if (existsSync(file) && options.force !== true) throw alreadyThere(file)
      const written = await writeWhole(await download(backupRoute), file, options.force === true)
      print({ file, ...written }, () =>
        record([
          ['file', file],
          ['bytes', String(written.bytes)],
          ['sha256', written.sha256],
        ]),
      )
    },
  })
}

/** Nobody ever sees half a backup under its name, not even after a loss of power. */
async function writeWhole(
  source: Readable,
  file: string,
  replaces: boolean,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const partial = `${file}.partial-${process.pid}`
  const hash = createHash('sha256')
  let bytes = 0
  try {
    const handle = await open(partial, 'wx', 0o600)
    try {
      for await (const chunk of source as AsyncIterable<Buffer>) {
        await handle.writeFile(chunk)
        hash.update(chunk)
        bytes += chunk.length
      }
      await handle.sync()
    } finally {
      await handle.close()
    }
    // A link fails where something is; a rename would replace it.
    if (replaces) await rename(partial, file)
    else await link(partial, file)
    await syncDirectory(path.dirname(file))
  } catch (error) {
    throw notWritten(file, error)
  } finally {
    source.destroy()
    await rm(partial, { force: true })
  }
  return { bytes, sha256: hash.digest('hex') }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function alreadyThere(file: string): Failure {
  return new Failure(
    1,
    'backup.file_exists',
    `${file} is there already`,
    'choose another name, or replace it with --force',
  )
}

function notWritten(file: string, error: unknown): Failure {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EEXIST') return alreadyThere(file)
  if (code === 'ECONNRESET') {
    const hint = 'nothing was written; look at the log of the server'
    return new Failure(1, 'backup.broken_off', 'the server broke the backup off', hint, { cause: error })
  }
  const hint = 'choose a directory with space that this user may write to'
  return new Failure(1, 'backup.unwritable', `cannot write ${file}: ${message}`, hint, { cause: error })
}
