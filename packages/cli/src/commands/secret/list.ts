import type { Command } from 'commander'
import { verb } from '../../verb.ts'
import { secretTable } from './layout.ts'

/** `secret list` */
export function listVerb(): Command {
  return verb({
    usage: 'list <CLIENT>',
    summary: 'list the secrets of a client, oldest first (not the secrets themselves)',
    examples: ['latchkey secret list 1f9k2m4p6r8t0v1x3z5b7d9f'],
    async run({ args: [clientId = ''], admin, print }) {
      const { secrets } = await admin()
      const answer = await secrets.list({ params: { client_id: clientId } })
      print(answer, () => secretTable(answer.items, clientId))
    },
  })
}
