import { readFileSync, existsSync, statSync } from 'node:fs'
import { Fault } from '../kernel/faults.ts'
import { makeMasterKeyFile } from './master-key-file.ts'

/** 32 bytes that open every data key. Held in memory only; backups never contain it. */
export type MasterKey = Uint8Array

export type MasterKeySource =
  | { readonly kind: 'value'; readonly value: string; readonly name: string }
  | { readonly kind: 'file'; readonly path: string }
  /** `dev`: a file that is made together with a fresh data directory, and never again. */
  | { readonly kind: 'development-file'; readonly path: string; readonly fresh: boolean }

/** Reads the master key: 32 bytes, base64url. Throws a Fault that names the remedy, never the key. */
export function readMasterKey(source: MasterKeySource): MasterKey {
  if (source.kind === 'value') return parseMasterKey(source.value, source.name)
  if (source.kind === 'development-file' && source.fresh && !existsSync(source.path)) {
    makeMasterKeyFile(source.path)
  }
  let text: string
  try {
    text = readFileSync(source.path, 'utf8')
  } catch (error) {
    throw new Fault(
      'master_key.missing',
      `cannot read the master key file ${source.path}`,
      source.kind === 'development-file'
        ? 'put the file back, or begin anew with `npm start -- --reset` (every key and secret is lost)'
        : 'restore the file from where it is kept safe, or point LATCHKEY_MASTER_KEY_FILE at it',
      { cause: error },
    )
  }
  if (isMasterKeyOpen(source.path)) {
    throw new Fault(
      'master_key.wrong',
      `others may read the master key file ${source.path}`,
      `chmod 600 ${source.path}`,
    )
  }
  return parseMasterKey(text.trim(), source.path)
}

/**
 * Whether more people may read this file than have to, or change it. A group may read what is root's when this process is not root: it then reads by
 * that group alone, and could not make the file its own (decision 027).
 */
export function isMasterKeyOpen(file: string): boolean {
  const { mode, uid, gid } = statSync(file)
  const onlyGroupReads = (mode & 0o037) === 0
  if (uid === 0 && onlyGroupReads && process.geteuid?.() !== 0) return false
  // Of root's group nobody learns anything who could not read everything: systemd hands out credentials so.
  if (uid === 0 && gid === 0 && (mode & 0o777) === 0o440) return false
  return (mode & 0o077) !== 0
}

function parseMasterKey(text: string, origin: string): MasterKey {
  const bytes = Buffer.from(text, 'base64url')
  if (bytes.length !== 32 || bytes.toString('base64url') !== text) {
    throw new Fault(
      'master_key.wrong',
      `the master key in ${origin} is not 32 bytes of base64url (43 characters, no padding)`,
      'restore the right key; a new one cannot open what the old one sealed',
    )
  }
  return bytes
}
