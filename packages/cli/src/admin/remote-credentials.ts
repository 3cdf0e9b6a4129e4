import { readFileSync } from 'node:fs'
import { Failure, misuse } from '../failure.ts'

/** With what a command gets tokens for a server that is not this machine's. */
export interface RemoteCredentials {
  readonly clientId: string
  readonly clientSecret: string
  /** `LATCHKEY_ISSUER`: the only issuer that may be sent the secret. */
  readonly issuer: string | undefined
}

/** Reads them from the environment; an empty variable counts as unset. Fails with `usage`, naming the variable. */
export function readRemoteCredentials(environment: Readonly<Record<string, string | undefined>>): RemoteCredentials {
  const read = (name: string): string | undefined => environment[name] || undefined
  const clientId = read('LATCHKEY_CLIENT_ID')
  if (clientId === undefined) throw missing('LATCHKEY_CLIENT_ID')
  const secret = read('LATCHKEY_CLIENT_SECRET')
  const file = read('LATCHKEY_CLIENT_SECRET_FILE')
  if (secret !== undefined && file !== undefined) {
    throw misuse('LATCHKEY_CLIENT_SECRET and LATCHKEY_CLIENT_SECRET_FILE are both set', 'unset one of them')
  }
  const clientSecret = secret ?? (file === undefined ? undefined : readSecret(file))
  if (clientSecret === undefined) throw missing('LATCHKEY_CLIENT_SECRET or LATCHKEY_CLIENT_SECRET_FILE')
  return { clientId, clientSecret, issuer: read('LATCHKEY_ISSUER') }
}

function readSecret(file: string): string {
  let secret: string
  try {
    secret = readFileSync(file, 'utf8').trim()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw misuse(`LATCHKEY_CLIENT_SECRET_FILE: cannot read ${file} (${code})`, 'name a file that this user can read')
  }
  if (secret === '') throw misuse(`LATCHKEY_CLIENT_SECRET_FILE: ${file} is empty`, 'put the secret into it')
  return secret
}

function missing(variables: string): Failure {
  const hint = 'with --server, a command uses the credentials of an administrator’s client'
  return new Failure(2, 'usage', `${variables} is not set`, hint)
}
