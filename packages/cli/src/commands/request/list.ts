import { Option, type Command } from 'commander'
import { moreHint, pageOptions, type PageOptions } from '../../option-values.ts'
import { moment, table } from '../../output/layout.ts'
import { verb } from '../../verb.ts'

const states = [
  'submitted',
  'changes_requested',
  'approved',
  'partly_approved',
  'rejected',
  'withdrawn',
  'expired',
] as const

interface Options extends PageOptions {
  readonly state?: (typeof states)[number]
}

/** `request list`: the queue. */
export function listVerb(): Command {
  return verb<Options>({
    usage: 'list',
    summary: 'list the requests for access, oldest first',
    examples: ['latchkey request list --state submitted', 'latchkey request list --json'],
    notes: 'A request is listed once its contact has confirmed the address.',
    options: [new Option('--state <STATE>', 'only those in this state').choices(states), ...pageOptions()],
    async run({ options: { limit, cursor, state }, admin, print }) {
      const { requests } = await admin()
      const page = await requests.list({ query: { limit, cursor, state } })
      print(
        page,
        () =>
          table(
            page.items,
            [
              { title: 'ID', value: (request) => request.id },
              { title: 'STATE', value: (request) => request.state },
              { title: 'ADDRESS (CONFIRMED)', value: (request) => request.contact_address },
              { title: 'ORGANISATION (CLAIMED)', value: (request) => request.organisation },
              { title: 'APPLICATION', value: (request) => request.application_name },
              { title: 'SCOPES', value: (request) => request.scopes.length },
              { title: 'SUBMITTED', value: (request) => moment(request.submitted_at) },
            ],
            state === undefined ? 'There are no requests for access.' : 'There are no such requests for access.',
          ) + moreHint(page.next_cursor),
      )
    },
  })
}
