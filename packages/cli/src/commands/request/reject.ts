import { Option, type Command } from 'commander'
import { misuse } from '../../failure.ts'
import { revisionOption, type RevisionOptions } from '../../option-values.ts'
import { verb } from '../../verb.ts'
import { requestRecord } from './layout.ts'
import { reviewedRevision } from './reviewed-revision.ts'

interface Options extends RevisionOptions {
  readonly reason?: string
}

/** `request reject` */
export function rejectVerb(): Command {
  return verb<Options>({
    usage: 'reject <ID>',
    summary: 'reject a request for access',
    examples: [
      'latchkey request reject 7j9l1n3p5r7t9v1x3z5b7d9f --revision 1 --reason "We have no contract with you yet."',
    ],
    notes: 'The requester is told the reason, and may ask again.',
    options: [revisionOption(), new Option('--reason <TEXT>', 'what the requester is told')],
    async run({ args: [id = ''], options, admin, print }) {
      const revision = reviewedRevision(options)
      const { reason } = options
      if (reason === undefined)
        throw misuse('a rejection needs a reason', 'write it with --reason: the requester is told')
      const { requests } = await admin()
      const request = await requests.reject({ params: { id }, body: { revision, reason } })
      print(request, () => requestRecord(request))
    },
  })
}
