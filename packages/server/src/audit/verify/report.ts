/** One thing that verification found. `problem`: evidence was changed or is missing. `warning`: explained, nothing lost. */
export interface VerificationFinding {
  readonly severity: 'problem' | 'warning' | 'note'
  /**
   * Problems: `edited`, `removed`, `reordered`, `cut_off`, `forged`, `unreadable`. Warnings: `torn`, `unregistered`. Notes: `not_here`,
   * `expired`, `restored`. `more`: findings beyond the thousand that are listed.
   */
  readonly kind: string
  /** The log, segment or table and the place within it. */
  readonly where: string
  readonly message: string
}

/** What `audit verify` found, and what it could not have found. */
export interface VerificationReport {
  /** False when there is any problem. */
  readonly intact: boolean
  readonly checked: {
    readonly rows: number
    readonly logs: number
    readonly segments: number
    readonly records: number
  }
  readonly findings: readonly VerificationFinding[]
  /** Sentences: what this verification cannot find. */
  readonly limits: readonly string[]
}
