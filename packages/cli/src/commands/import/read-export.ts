import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { parseDocument } from 'yaml'
import { Failure } from '../../failure.ts'

/**
 * Reads a file of JSON or YAML. Fails with `import.unreadable`, exit code 2; no message quotes what stands in the file, which as a rule
 * holds secrets.
 */
export async function readExportFile(file: string): Promise<unknown> {
  let source: string
  try {
    source = await readFile(file, 'utf8')
  } catch (error) {
    throw unreadable(`cannot read ${file} (${codeOf(error)})`)
  }
  try {
    return JSON.parse(source)
  } catch {
    // A file of the Deploy CLI is YAML; its tags (`!include`) are left as they are.
    const document = parseDocument(source, { prettyErrors: false, logLevel: 'silent' })
    if (document.errors.length > 0) throw unreadable(`${file} is neither JSON nor YAML`)
    try {
      return document.toJS({ maxAliasCount: 1000 })
    } catch {
      throw unreadable(`${file} has an alias without its anchor, or too many aliases`)
    }
  }
}

/** Every `*.json` of a folder, by name; nothing when there is no such folder. */
export async function readExportFolder(folder: string): Promise<unknown[]> {
  const names = await readdir(folder).catch(() => [])
  const files = names.filter((name) => name.endsWith('.json')).toSorted()
  return Promise.all(files.map((name) => readExportFile(path.join(folder, name))))
}

export async function isFolder(file: string): Promise<boolean> {
  return stat(file).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

export function unreadable(message: string): Failure {
  return new Failure(2, 'import.unreadable', message, '`latchkey import --help` says what can be read')
}

/** An object's fields, whatever it is: an export is looked into, never trusted. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** A positive number; anything else is none. */
export function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined
}

export function textsOf(value: unknown): string[] {
  return listOf(value).filter((item) => typeof item === 'string')
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
