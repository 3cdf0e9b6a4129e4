/** A message did not leave. `code` names why without naming anybody, and without a word of the message. */
export class DeliveryFailure extends Error {
  readonly code: string
  /** Whether trying again would come to the same. */
  readonly isPermanent: boolean

  constructor(code: string, isPermanent: boolean, options?: ErrorOptions) {
    super(code, options)
    this.name = 'DeliveryFailure'
    this.code = code
    this.isPermanent = isPermanent
  }
}
