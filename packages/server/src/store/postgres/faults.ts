import { describeError, Fault } from '../../kernel/faults.ts'
import { UnstorableText } from '../sql/storable.ts'
import type { ConnectionSettings } from './connection-settings.ts'

/** What is wrong, and what to do about it. */
type Line = readonly [what: string, remedy: string]

/** By SQLSTATE (Appendix A of PostgreSQL's manual): what is no mistake of ours. */
const states: Readonly<Record<string, Line>> = {
  '28P01': ['refused the password of this user', 'correct user and password in LATCHKEY_DATABASE_URL'],
  '28000': ['does not let this user in from here', 'create the role, or allow it in pg_hba.conf'],
  '3D000': ['has no such database', 'create it, or correct the name in LATCHKEY_DATABASE_URL'],
  '3F000': ['has no schema to make tables in', 'create one on the search_path of the role'],
  '42501': [
    'does not allow this to the role',
    'grant it SELECT, INSERT, UPDATE and DELETE on the tables; to migrate, CREATE on the schema and ownership of the tables',
  ],
  '25006': [
    'is read-only: a standby, or a role that may not write',
    'connect to the primary, with a role that may write',
  ],
  '53100': ['has no disk space left', 'make room where PostgreSQL keeps its data'],
  '53200': ['is out of memory', 'give PostgreSQL more memory, or fewer connections'],
  '53300': ['has too many connections', 'raise max_connections, or run fewer servers and workers'],
  '55P03': ['is busy: another change took too long', 'try again; look for long transactions on the database'],
  '57014': ['took too long', 'try again; look at the load of the database'],
  '57P01': ['was shut down', 'start PostgreSQL again'],
  '57P02': ['crashed', 'look at the log of PostgreSQL'],
  '57P03': ['is starting or stopping', 'wait until PostgreSQL accepts connections'],
  '40001': ['had two transactions in each other’s way', 'try again'],
  '40P01': ['had two transactions in each other’s way', 'try again'],
}

/** Classes of SQLSTATE that are the database's own trouble: connection, rollback, resources, intervention, system, configuration, internal. */
const troubles = new Set(['08', '40', '53', '57', '58', 'F0', 'XX'])

/** By the code of a system or TLS error. */
const reaches: Readonly<Record<string, Line>> = {
  ENOTFOUND: ['its name is not known (DNS)', 'correct the host in LATCHKEY_DATABASE_URL'],
  EAI_AGAIN: ['its name cannot be looked up (DNS)', 'look at the name servers of this machine'],
  ECONNREFUSED: [
    'the connection was refused',
    'start PostgreSQL there, or correct host and port in LATCHKEY_DATABASE_URL',
  ],
  ENOENT: [
    'there is no such socket',
    'start PostgreSQL there, or correct the socket’s directory in LATCHKEY_DATABASE_URL',
  ],
  EACCES: ['this user may not use the socket', 'run as a user that may, or change the socket’s permissions'],
  EHOSTUNREACH: ['the network does not lead there', 'look at routes and firewalls'],
  ENETUNREACH: ['the network does not lead there', 'look at routes and firewalls'],
  ETIMEDOUT: ['it does not answer', 'look at the network, firewalls, and whether PostgreSQL hangs'],
}

const tlsCodes = /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|EPROTO|HOSTNAME_MISMATCH)/

/** Raised here, not by the driver: nothing came back in time. */
export class NoAnswer extends Error {
  readonly code = 'ETIMEDOUT'
}

/** Raised here: every connection stayed in use for too long. */
export class NoConnectionFree extends Error {}

/**
 * Turns what the driver threw into a Fault when it is the database or the way to it that fails; gives back a plain error when the mistake is
 * ours. Neither carries what the driver's own error may: values of rows, and the settings of the connection with the password.
 */
export function explain(error: unknown, { place, database }: ConnectionSettings): Error {
  if (error instanceof Fault || error instanceof UnstorableText) return error
  if (error instanceof NoConnectionFree)
    return fault(
      `the database ${database} at ${place} is too busy`,
      'try again; look for long transactions on the database',
      error,
    )
  const code = codeOf(error)
  if (code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !(code in reaches)) {
    const line = states[code]
    if (line !== undefined) return fault(`the database ${database} at ${place} ${line[0]}`, line[1], error)
    if (troubles.has(code.slice(0, 2))) {
      return fault(
        `the database ${database} at ${place} did not do its work: ${describeError(error)}`,
        'look at the log of PostgreSQL',
        error,
      )
    }
    return withoutValues(error)
  }
  // Bad arguments and unreadable answers are found on this side, before or after the database did its part.
  if (error instanceof TypeError || error instanceof RangeError) return withoutValues(error)
  if (/client password must be/.test(describeError(error))) {
    return fault(`the database ${database} at ${place} asks for a password`, 'put it into LATCHKEY_DATABASE_URL', error)
  }
  const line = (code === undefined ? undefined : reaches[code]) ?? tlsLine(code, error) ?? broken(error)
  return fault(`cannot reach the database at ${place}: ${line[0]}`, line[1], error)
}

/** Whether the database cannot be reached at all, so that there is no use in every caller trying it for himself. */
export function isUnreachable(error: unknown): boolean {
  const code = codeOf(error)
  if (code === '57P03' || error instanceof NoAnswer) return true
  return code !== undefined && code in reaches
}

/** Whether the connection that this came from can be used again. */
export function endsConnection(error: unknown): boolean {
  const code = codeOf(error)
  if (code === undefined || code in reaches || !/^[0-9A-Z]{5}$/.test(code))
    return !(error instanceof TypeError || error instanceof RangeError)
  return /^(08|57P|25P03|25P04)/.test(code)
}

function tlsLine(code: string | undefined, error: unknown): Line | undefined {
  const message = describeError(error)
  if (/does not support SSL/i.test(message)) {
    return [
      'it does not offer TLS',
      'turn on ssl in postgresql.conf, or use sslmode=disable on a network that you trust',
    ]
  }
  if (code === undefined || !tlsCodes.test(code)) return undefined
  return [
    `its certificate is not to be trusted (${code})`,
    'name its authority with sslrootcert=<file> in LATCHKEY_DATABASE_URL, and its host as the certificate does',
  ]
}

function broken(error: unknown): Line {
  return [describeError(error), 'look at the network, and at the log of PostgreSQL']
}

function fault(message: string, remedy: string, cause: unknown): Fault {
  return new Fault('store.unavailable', message, remedy, { cause: withoutValues(cause) })
}

function withoutValues(error: unknown): Error {
  const code = codeOf(error)
  const message = describeError(error)
  return new Error(code === undefined ? message : `${message} (${code})`)
}

function codeOf(error: unknown): string | undefined {
  // Several addresses of one host were tried: they fail alike.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error
  const code = (first as { readonly code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
