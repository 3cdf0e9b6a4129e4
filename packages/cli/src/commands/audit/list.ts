import { Option, type Command } from 'commander'
import { momentOption, moreHint, pageOptions, type PageOptions } from '../../option-values.ts'
import { moment, table } from '../../output/layout.ts'
import { verb } from '../../verb.ts'

interface Options extends PageOptions {
  readonly client?: string
  readonly requestId?: string
  readonly event?: string
  readonly since?: number
}

/** `audit list` */
export function listVerb(): Command {
  return verb<Options>({
    usage: 'list',
    summary: 'list audit entries, newest first',
    examples: [
      'latchkey audit list --event token.denied --since 2026-11-23',
      'latchkey audit list --request-id 01k9z5vxw3e8m2q4r6t8y0a1b3 --json',
    ],
    notes: 'The details of each entry are in the output of --json.',
    options: [
      new Option('--client <CLIENT>', 'entries of this client'),
      new Option('--request-id <ID>', 'entries of this request, as in X-Request-Id'),
      new Option('--event <EVENT>', 'an event, such as token.denied, or the part before its dot'),
      momentOption('--since <TIME>', 'entries from this moment on'),
      ...pageOptions(),
    ],
    async run({ options, admin, print }) {
      const { client, requestId, event, since, limit, cursor } = options
      const { audit } = await admin()
      const page = await audit.list({
        query: { client_id: client, request_id: requestId, event, since, limit, cursor },
      })
      print(
        page,
        () =>
          table(
            page.items,
            [
              { title: 'AT', value: (entry) => moment(entry.at) },
              { title: 'EVENT', value: (entry) => entry.event },
              { title: 'ACTOR', value: (entry) => entry.actor },
              { title: 'SUBJECT', value: (entry) => entry.subject },
              { title: 'REQUEST', value: (entry) => entry.request_id },
            ],
            'There are no such entries.',
          ) + moreHint(page.next_cursor),
      )
    },
  })
}
