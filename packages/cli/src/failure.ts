/** 1: the server said no. 2: the command was not used as it can be, or there is nothing to use it on. */
export type FailureExitCode = 1 | 2

/** Why a command ends without having done what it was asked. `message` and `hint` are for people, one line each. */
export class Failure extends Error {
  readonly exitCode: FailureExitCode
  /** A stable name: a problem's reason, `usage`, `not_yet`, `server.not_running`, … */
  readonly error: string
  readonly hint: string

  constructor(exitCode: FailureExitCode, error: string, message: string, hint: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Failure'
    this.exitCode = exitCode
    this.error = error
    this.hint = hint
  }
}

/** Ends with exit code 1 after the answer has been printed: the answer itself is the bad news. */
export class UnfavourableAnswer extends Error {}

export function misuse(message: string, hint: string): Failure {
  return new Failure(2, 'usage', message, hint)
}
