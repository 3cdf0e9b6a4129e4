/** Whom the message goes to decides what it asks of them. */
export type Reader = 'team' | 'contact'

/** What is said, before the server names itself. */
export interface Draft {
  readonly subject: string
  readonly lines: readonly string[]
}
