import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import { Failure, misuse } from '../failure.ts'

/** What is written: letters, digits, `_`, `-` and the characters of URLs, so that no form has to quote it. */
export interface Credential {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
}

/** Where a credential goes. */
export interface Target {
  /** For people. */
  readonly name: string
  readonly usesStandardOutput: boolean
  /** Looks whether it could be written, and leaves nothing behind. Throws Failure. */
  prepare(): void
  /** Writes it whole or not at all. Throws whatever is in the way. */
  write(credential: Credential): void
}

/** Reads `--to`. Throws Failure. */
export function readTarget(to: string | undefined, force: boolean): Target {
  if (to === undefined)
    throw misuse('nothing says where the credential is to go', 'name it with --to, for example --to env:.env')
  const [kind = '', ...rest] = to.split(':')
  const where = rest.join(':')
  if (to === 'stdout') return standardOutput('standard output', variables)
  if (kind === 'env' && where !== '') return file(where, force, variables)
  if (kind === 'json' && where !== '') return file(where, force, json)
  if (kind === 'k8s' && /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/.test(where)) {
    return standardOutput(`the Kubernetes Secret ${where}, on standard output`, (credential) =>
      secret(where, credential),
    )
  }
  if (kind === 'vault') {
    throw new Failure(2, 'not_yet', 'this version does not have --to vault yet', '--help shows what it has')
  }
  throw misuse('--to does not name a target', 'env:FILE, json:FILE, k8s:NAME (lower case, digits, - and .) or stdout')
}

/** As sh, `docker --env-file` and systemd read alike: nothing in it has to be quoted. */
function variables({ issuer, clientId, clientSecret }: Credential): string {
  return `LATCHKEY_ISSUER=${issuer}\nLATCHKEY_CLIENT_ID=${clientId}\nLATCHKEY_CLIENT_SECRET=${clientSecret}\n`
}

function json({ issuer, clientId, clientSecret }: Credential): string {
  return `${JSON.stringify({ issuer, client_id: clientId, client_secret: clientSecret }, null, 2)}\n`
}

function secret(name: string, { issuer, clientId, clientSecret }: Credential): string {
  return `apiVersion: v1
kind: Secret
metadata:
  name: ${JSON.stringify(name)}
type: Opaque
stringData:
  LATCHKEY_ISSUER: ${JSON.stringify(issuer)}
  LATCHKEY_CLIENT_ID: ${JSON.stringify(clientId)}
  LATCHKEY_CLIENT_SECRET: ${JSON.stringify(clientSecret)}
`
}

function standardOutput(name: string, format: (credential: Credential) => string): Target {
  return {
    name,
    usesStandardOutput: true,
    prepare: () => undefined,
    write(credential) {
      // At once and whole: what a pipe does not take fails here, and not after the acknowledgement.
      const bytes = Buffer.from(format(credential))
      for (let at = 0; at < bytes.length;) at += writeSync(1, bytes, at)
    },
  }
}

function file(given: string, force: boolean, format: (credential: Credential) => string): Target {
  const place = path.resolve(given)
  const folder = path.dirname(place)
  return {
    name: given,
    usesStandardOutput: false,
    prepare() {
      refuseWhatIsThere(given, place, force)
      const trial = besides(place)
      try {
        writeFileSync(trial, '', { mode: 0o600, flag: 'wx' })
        rmSync(trial)
      } catch (error) {
        const { code = '' } = error as NodeJS.ErrnoException
        throw new Failure(
          1,
          'target',
          `nothing can be written beside ${given} (${code})`,
          'nothing was spent: mend that, or name another file',
          {
            cause: error,
          },
        )
      }
    },
    write(credential) {
      const fresh = besides(place)
      try {
        const handle = openSync(fresh, 'wx', 0o600)
        try {
          writeFileSync(handle, format(credential))
          fsyncSync(handle)
        } finally {
          closeSync(handle)
        }
        // Somebody may have made it since it was looked for.
        refuseWhatIsThere(given, place, force)
        renameSync(fresh, place)
      } catch (error) {
        rmSync(fresh, { force: true })
        throw error
      }
      syncFolder(folder)
    },
  }
}

function besides(place: string): string {
  return `${place}.${randomBytes(6).toString('hex')}.new`
}

/** Never through a link, which may lead where others read; and never over something without being told. */
function refuseWhatIsThere(given: string, place: string, force: boolean): void {
  if (!existsSync(path.dirname(place)) || !statSync(path.dirname(place)).isDirectory()) {
    throw new Failure(1, 'target', `the folder of ${given} is not there`, 'make it first; nothing was spent')
  }
  const there = lstatSync(place, { throwIfNoEntry: false })
  if (there === undefined) return
  if (!there.isFile()) {
    throw new Failure(1, 'target', `${given} is there and is no plain file`, 'name another; nothing was spent')
  }
  if (!force) {
    throw new Failure(
      1,
      'target',
      `${given} is there already`,
      'name another, or replace it with --force; nothing was spent',
    )
  }
}

/** So that the name of the file outlives a power cut, too; where a folder cannot be opened, the system sees to that. */
function syncFolder(folder: string): void {
  let handle: number
  try {
    handle = openSync(folder, 'r')
  } catch {
    return
  }
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
