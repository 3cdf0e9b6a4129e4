/** One thing that is wrong with a form. */
export interface FormProblem {
  readonly reason: 'scope.unknown' | 'request.invalid'
  /** Dotted path into the form. */
  readonly field: string
  readonly message: string
}
