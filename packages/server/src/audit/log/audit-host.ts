import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describeError, Fault } from '../../kernel/faults.ts'

/** The machine's name when the directory was new, for people; then random, because names are given twice and change. */
const form = /^[A-Za-z0-9.-]{1,63}-[0-9a-f]{16}$/

/**
 * What the logs in this directory are registered under, when several servers share one database: made at the first start, and the same ever after,
 * whatever the machine is called and wherever the directory is mounted. Without the file the logs that are here look like those of another host.
 * Throws Fault `audit.unwritable`.
 */
export function auditHost(directory: string): string {
  const file = path.join(directory, 'host')
  const known = read(file)
  if (known !== undefined) return known
  const name =
    os
      .hostname()
      .replaceAll(/[^A-Za-z0-9.-]/g, '-')
      .slice(0, 63) || 'host'
  const made = `${name}-${randomBytes(8).toString('hex')}`
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const descriptor = openSync(`${file}.new`, 'w', 0o600)
    writeSync(descriptor, `${made}\n`)
    fsyncSync(descriptor)
    closeSync(descriptor)
    renameSync(`${file}.new`, file)
  } catch (error) {
    throw unusable(file, describeError(error), error)
  }
  return made
}

/** The name of one worker of that host: each has a log of its own, and recovers what its predecessor in the same slot left. */
export function workerHost(host: string, slot: number): string {
  return `${host}/${slot}`
}

/** The slot of a worker of that host; undefined for the host itself, and for any other. */
export function slotOf(host: string, registered: string): number | undefined {
  const slot = registered.startsWith(`${host}/`) ? registered.slice(host.length + 1) : ''
  return /^\d{1,3}$/.test(slot) ? Number(slot) : undefined
}

function read(file: string): string | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8').trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unusable(file, describeError(error), error)
  }
  if (form.test(text)) return text
  throw unusable(file, 'it does not hold the name that Latchkey wrote')
}

function unusable(file: string, why: string, cause?: unknown): Fault {
  const remedy = 'restore the file: `latchkey audit verify` on another server of the database shows the name'
  return new Fault('audit.unwritable', `cannot use ${file}: ${why}`, remedy, { cause })
}
