/**
 * What can go wrong around the server rather than in a request: the store is away, the disk is full, the configuration is broken.
 * Expected refusals are values, never one of these.
 */
export type FaultCode =
  | 'config.invalid'
  | 'data_directory.unusable'
  | 'data_directory.locked'
  | 'listener.port_in_use'
  | 'listener.cannot_bind'
  | 'admin_socket.unusable'
  | 'master_key.missing'
  | 'master_key.wrong'
  | 'keys.missing'
  | 'schema.newer'
  | 'store.unavailable'
  | 'store.corrupt'
  | 'audit.unwritable'

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

/** The message of anything that was thrown, on one line. */
export function describeError(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ')
}
