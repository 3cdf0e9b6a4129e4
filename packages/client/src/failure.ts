/** Why a command ends without having done what it was asked; `message` and `hint` are one line each, and never hold a secret. */
export class Failure extends Error {
  /** 1: it was refused, or could not be done. 2: the command was not used as it can be. */
  readonly exitCode: 1 | 2
  readonly hint: string
  /** A stable name: the server's reason, `usage`, `network`, `target`, … */
  readonly error: string

  constructor(exitCode: 1 | 2, error: string, message: string, hint: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Failure'
    this.exitCode = exitCode
    this.error = error
    this.hint = hint
  }
}

export function misuse(message: string, hint = '`latchkey-client --help` shows how it is used'): Failure {
  return new Failure(2, 'usage', message, hint)
}
