import { Option, type Command } from 'commander'
import { misuse } from '../../failure.ts'
import { revisionOption, type RevisionOptions } from '../../option-values.ts'
import { verb } from '../../verb.ts'
import { requestRecord } from './layout.ts'
import { reviewedRevision } from './reviewed-revision.ts'

interface Options extends RevisionOptions {
  readonly message?: string
}

/** `request ask` */
export function askVerb(): Command {
  return verb<Options>({
    usage: 'ask <ID>',
    summary: 'ask the requester something, or to change the request',
    examples: ['latchkey request ask 7j9l1n3p5r7t9v1x3z5b7d9f --revision 1 --message "Which systems will write?"'],
    notes: 'The requester gets the question by mail, and answers or changes the request on its page.',
    options: [revisionOption(), new Option('--message <TEXT>', 'the question')],
    async run({ args: [id = ''], options, admin, print }) {
      const revision = reviewedRevision(options)
      const { message } = options
      if (message === undefined) throw misuse('there is nothing to ask', 'write the question with --message')
      const { requests } = await admin()
      const request = await requests.ask({ params: { id }, body: { revision, message } })
      print(request, () => requestRecord(request))
    },
  })
}
