import { Option, type Command } from 'commander'
import { misuse } from '../../failure.ts'
import { momentOption, revisionOption, scopesOption, type RevisionOptions } from '../../option-values.ts'
import { printable } from '../../output/printable.ts'
import { verb } from '../../verb.ts'
import { networkChange, networkNotes, networkOptions, type NetworkOptions } from '../client/network-options.ts'
import { handedOutText } from '../link/layout.ts'
import { requestRecord } from './layout.ts'
import { reviewedRevision } from './reviewed-revision.ts'

interface Options extends RevisionOptions, NetworkOptions {
  readonly scope?: string[]
  readonly until?: number
  readonly reason?: string
  readonly auth?: (typeof authentications)[number]
  readonly withoutAddresses?: boolean
  readonly showLink?: boolean
}

/** `request approve` */
export function approveVerb(): Command {
  return verb<Options>({
    usage: 'approve <ID>',
    summary: 'approve a request for access, or some of its scopes',
    examples: [
      'latchkey request approve 7j9l1n3p5r7t9v1x3z5b7d9f --revision 1',
      'latchkey request approve 7j9l1n3p5r7t9v1x3z5b7d9f --revision 2 --scope a/read --until 2027-06-30T00:00:00Z --reason "Reading only, for now"',
    ],
    notes:
      'Makes the client, or widens the access of the one that the request names, and sends its owner a delivery link. The revision is that of `request show`: when the requester has changed anything since, nothing is done.\n' +
      `A new client may call from the addresses that the request names, and no others, unless --allow-ip names others or --without-addresses leaves them out. ${networkNotes}`,
    options: [
      revisionOption(),
      scopesOption('--scope <SCOPE>', 'approve these scopes only'),
      momentOption('--until <MOMENT>', 'when the approved scopes end'),
      new Option('--auth <METHOD>', 'how the new client proves who it is, if otherwise than asked for').choices(
        authentications,
      ),
      new Option('--reason <TEXT>', 'what the requester is told'),
      ...networkOptions(),
      new Option('--without-addresses', 'leave out the addresses that the request names').conflicts([
        'allowIp',
        'allowIpFor',
        'networkMode',
      ]),
      new Option('--show-link', 'print the delivery link also when it was mailed'),
    ],
    async run({ args: [id = ''], options, admin, print }) {
      const revision = reviewedRevision(options)
      const network = options.withoutAddresses === true ? null : networkChange(options)
      const { requests } = await admin()
      const asked =
        options.until === undefined || options.scope !== undefined ? undefined : await requests.get({ params: { id } })
      const scopes = options.scope ?? asked?.scopes.map(({ scope }) => scope)
      if (scopes?.length === 0)
        throw misuse('an approval needs a scope', 'name at least one with --scope, or none at all for all')
      const answer = await requests.approve({
        params: { id },
        body: {
          revision,
          scopes: scopes?.map((scope) => ({ scope, ends_at: options.until })),
          reason: options.reason,
          authentication: options.auth,
          network,
          show_link: options.showLink,
        },
      })
      print(answer, () => {
        const { request, waiting_for: waiting, delivery_link: link, link_expires_at: until, mailed_to: to } = answer
        if (waiting > 0) return `${requestRecord(request)}\nNoted. One more person has to approve the same.\n`
        if (link !== undefined && until !== undefined) {
          return `${requestRecord(request)}\n${handedOutText({ delivery_link: link, expires_at: until, mailed_to: to })}`
        }
        const sent = to === undefined ? '' : `\nThe delivery link is on its way to ${printable(to)}.\n`
        return requestRecord(request) + sent
      })
    },
  })
}

const authentications = ['secret', 'secret-and-certificate', 'mtls', 'self-signed-mtls'] as const
