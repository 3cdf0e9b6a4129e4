import type { Command } from 'commander'
import { printable } from '../../output/printable.ts'
import { verb } from '../../verb.ts'

/** `link revoke` */
export function revokeVerb(): Command {
  return verb({
    usage: 'revoke <ID>',
    summary: 'end a delivery link, and a credential that it showed and nobody confirmed',
    examples: ['latchkey link revoke 3h5k7n9q1s3u5w7y9a1c3e5g'],
    async run({ args: [id = ''], admin, print }) {
      const { links } = await admin()
      const link = await links.revoke({ params: { id } })
      print(link, () => `Delivery link ${printable(link.id)} is ${printable(link.state)}.\n`)
    },
  })
}
