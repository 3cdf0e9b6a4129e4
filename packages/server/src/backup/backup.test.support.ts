import { request } from 'node:http'
import { gunzipSync, gzipSync } from 'node:zlib'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { openDataKeys, type DataKeys, type SealedDataKey } from '../keys/data-keys.ts'
import { readMasterKey } from '../keys/master-key.ts'
import { backupMac } from './backup-mac.ts'
import { endLine, type BackupHeader } from './format.ts'

/** Takes a backup as the CLI does: over the socket, into a file. */
export function downloadBackup(socketPath: string, file: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path: '/admin/v1/backup', headers: { host: 'localhost' } }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        writeFileSync(file, Buffer.concat(chunks))
        resolve(response.statusCode ?? 0)
      })
    })
    sent.on('error', reject)
    sent.end()
  })
}

/** Its lines without newlines: header, rows, end. */
export function linesOf(file: string): string[] {
  return gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n')
}

export function headerOf(file: string): BackupHeader {
  return JSON.parse(linesOf(file)[0] ?? '') as BackupHeader
}

export function writeLines(file: string, lines: readonly string[]): void {
  writeFileSync(file, gzipSync(lines.map((line) => `${line}\n`).join('')))
}

/** Writes lines with a MAC that is right: what only somebody with the master key can do. */
export function writeGenuine(file: string, lines: readonly string[], dataKeys: DataKeys): void {
  const { key_id } = JSON.parse(lines[0] ?? '') as BackupHeader
  const content = lines.map((line) => `${line}\n`).join('')
  const mac = backupMac(dataKeys, key_id, createHash('sha256').update(content).digest())
  writeFileSync(file, gzipSync(content + endLine(mac)))
}

/** The data keys that a backup holds, opened with the master key of a `dev` directory. */
export function dataKeysOf(file: string, dataDirectory: string): DataKeys {
  const masterKey = readMasterKey({ kind: 'file', path: path.join(dataDirectory, 'master.key') })
  const { columns = [] } = headerOf(file).tables.find(({ name }) => name === 'data_keys') ?? {}
  const rows = linesOf(file)
    .map((line) => JSON.parse(line) as unknown)
    .filter((line): line is [string, ...unknown[]] => Array.isArray(line) && line[0] === 'data_keys')
    .map(([, ...values]) => Object.fromEntries(columns.map((column, index) => [column, values[index]])))
  return openDataKeys(
    masterKey,
    rows.map((row) => ({ ...row, createdAt: row['created_at'] }) as unknown as SealedDataKey),
  )
}
