/** The guard was put together wrongly. Thrown while the API starts, so that a mistake is a failed start and never an open door. */
export class GuardConfigurationError extends Error {
  override readonly name = 'GuardConfigurationError'

  constructor(problem: string, remedy: string) {
    super(`${problem}. ${remedy}.`)
  }
}

/** A misspelt option would be a check that silently does not happen. Throws {@link GuardConfigurationError}. */
export function refuseUnknownOptions(options: object, known: object, prefix: string): void {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(known, name)) continue
    const names = Object.keys(known).map((each) => prefix + each)
    throw new GuardConfigurationError(`Unknown option ${prefix}${name}`, `The options are ${names.join(', ')}`)
  }
}
