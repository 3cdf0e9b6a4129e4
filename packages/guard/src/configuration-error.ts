/** The guard was put together wrongly. Thrown while the API starts, so that a mistake is a failed start and never an open door. */
export class GuardConfigurationError extends Error {
  override readonly name = 'GuardConfigurationError'

  constructor(problem: string, remedy: string) {
    super(`${problem}. ${remedy}.`)
  }
}
