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
    notes:
      'ABOUT is the reason of a refusal, the scopes of a grant, or a name; all details are in the output of --json.',
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
      const query = { client_id: client, request_id: requestId, event, since, limit }
      let page = await audit.list({ query: { ...query, cursor } })
      // The server reads a bounded part of the log at a time; with a rare filter such a part may hold nothing.
      while (page.items.length === 0 && page.next_cursor !== undefined) {
        page = await audit.list({ query: { ...query, cursor: page.next_cursor } })
      }
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
              { title: 'ABOUT', value: about },
            ],
            'There are no such entries.',
          ) + moreHint(page.next_cursor),
      )
    },
  })
}

/** What a person looks for first in an entry's details. */
function about({ details }: { readonly details: Readonly<Record<string, unknown>> }): string {
  const first = details['reason'] ?? details['scope'] ?? details['name']
  const parts = [first, details['reason'] === undefined ? undefined : details['about']]
  return parts.filter((part) => typeof part === 'string').join(': ')
}
