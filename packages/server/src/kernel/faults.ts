/**
 * What can go wrong around the server rather than in a request: the store is away, the disk is full, the configuration is broken.
 * Expected refusals are values, never one of these. Meanings stand in `docs/errors.md`.
 */
export const faultMeanings = {
  'config.invalid': 'A setting is not what it may be; the message names it and where it came from.',
  'data_directory.unusable':
    'The data directory cannot be made, read or written, or belongs to another kind of installation.',
  'data_directory.locked': 'Another process is running on the data directory.',
  'listener.port_in_use': 'Something else listens on the port.',
  'listener.cannot_bind': 'The address is not one of this machine, or the port needs more rights.',
  'tls.unusable': 'A TLS certificate or its key cannot be read, do not belong together, or are not valid now.',
  'pages.missing': 'The pages in the browser are not beside the server: it was not built.',
  'workers.failed': 'The processes that serve the public listener end as soon as they are started.',
  'admin_socket.unusable': 'The unix socket for administration cannot be made safely.',
  'master_key.missing': 'The file with the master key cannot be read.',
  'master_key.wrong':
    'The master key is not 32 bytes of base64url, is readable by others, or is not the one that sealed the data.',
  'keys.altered':
    'A signing key in the database is not as it was written: somebody changed its state or another column.',
  'keys.missing': 'The database has lost keys that it had; they are never made anew.',
  'schema.older': 'The database lacks migrations of this version, and the server was told not to migrate.',
  'schema.newer': 'A newer version has migrated the database.',
  'store.unavailable':
    'The database did not do its work: away, busy, full, read-only, not to be entered, an I/O error. The message says which.',
  'store.corrupt': 'The file is no database, or a migration failed.',
  'admin_audience.taken': 'A resource server of somebody else has the audience of the admin API.',
  'audit.unwritable': 'The audit log cannot be written; no token is issued that cannot be recorded.',
  'backup.invalid':
    'The backup cannot be read whole, was changed, or was made by an installation with another master key. Nothing was changed.',
  'restore.not_empty': 'The database holds an installation already, and was not said to be replaced.',
  'restore.in_use': 'Another program is in contact with the database that would be replaced.',
  'restore.clock': 'The clock stands before the moment at which the backup was made.',
} as const
export type FaultCode = keyof typeof faultMeanings

/** A fault with what to do about it. `message` and `remedy` are one line each and carry no secret. */
export class Fault extends Error {
  readonly code: FaultCode
  readonly remedy: string

  constructor(code: FaultCode, message: string, remedy: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Fault'
    this.code = code
    this.remedy = remedy
  }
}

/** The answer to a COMMIT is missing: what was asked for may have been done, or not. */
export class OutcomeUnknown extends Fault {}

/** The message of anything that was thrown, on one line. */
export function describeError(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ')
}
