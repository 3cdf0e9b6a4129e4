import type { AuthorityRecord } from '@latchkey/admin-contract'
import { moment, table } from '../../output/layout.ts'
import { printable } from '../../output/printable.ts'

export function authorityTable(authorities: readonly AuthorityRecord[]): string {
  return table(
    authorities,
    [
      { title: 'AUTHORITY', value: (one) => one.id.slice(0, 16) },
      { title: 'SUBJECT', value: (one) => one.subject },
      { title: 'STATE', value: (one) => one.state },
      { title: 'ANCHOR', value: (one) => (one.anchor === one.certificate ? 'itself' : 'its root') },
      { title: 'HOLDS UNTIL', value: (one) => moment(one.not_after) },
      { title: 'REPLACED', value: (one) => moment(one.replaced_at) },
    ],
    'There is no authority yet: it is made with the first certificate, or brought with `latchkey ca csr`.',
  )
}

/** What has come of it, in a sentence. */
export function signsNow({ id, not_after: notAfter }: AuthorityRecord): string {
  return `Authority ${printable(id.slice(0, 16))} signs certificates from now on, until ${moment(notAfter)}. Those by the one before stay good.\n`
}
