import { misuse } from '../../failure.ts'
import type { RevisionOptions } from '../../option-values.ts'

/** A decision is about what was looked at: without saying which that was, none is made. */
export function reviewedRevision({ revision }: RevisionOptions): number {
  if (revision !== undefined) return revision
  throw misuse(
    'a decision needs the revision that was looked at',
    'name it with --revision: `latchkey request show ID` shows it',
  )
}
