import type { VerificationFinding } from './report.ts'

/** Gathers what a verification finds. Stops keeping, never counting, beyond a limit: a file of noise must not fill the memory. */
export interface Findings {
  problem(kind: string, where: string, message: string): void
  warning(kind: string, where: string, message: string): void
  note(kind: string, where: string, message: string): void
  /** Problems, kept or not. */
  problems(): number
  list(): VerificationFinding[]
}

const maxKept = 1000

export function collectFindings(): Findings {
  const kept: VerificationFinding[] = []
  let problems = 0
  let dropped = 0
  function add(severity: VerificationFinding['severity'], kind: string, where: string, message: string): void {
    if (severity === 'problem') problems++
    if (kept.length < maxKept) kept.push({ severity, kind, where, message })
    else dropped++
  }
  return {
    problem: (kind, where, message) => {
      add('problem', kind, where, message)
    },
    warning: (kind, where, message) => {
      add('warning', kind, where, message)
    },
    note: (kind, where, message) => {
      add('note', kind, where, message)
    },
    problems: () => problems,
    list() {
      if (dropped === 0) return [...kept]
      const message = `${dropped} more findings are not listed`
      return [...kept, { severity: problems > 0 ? 'problem' : 'note', kind: 'more', where: 'audit', message }]
    },
  }
}
