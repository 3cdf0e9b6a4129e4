import type { Command } from 'commander'
import { verb } from '../../verb.ts'
import { secretTable } from '../secret/layout.ts'
import { registeredKeyTable } from '../cert/layout.ts'
import { clientRecord } from './layout.ts'

/** `client show` */
export function showVerb(): Command {
  return verb({
    usage: 'show <CLIENT>',
    summary: 'show a client, its registered keys and its secrets (not the secrets themselves)',
    examples: ['latchkey client show 1f9k2m4p6r8t0v1x3z5b7d9f'],
    async run({ args: [clientId = ''], admin, print }) {
      const { clients } = await admin()
      const client = await clients.get({ params: { client_id: clientId } })
      print(client, () => {
        const keys = client.registered_keys.length === 0 ? '' : `\n${registeredKeyTable(client.registered_keys)}`
        return `${clientRecord(client)}\n${secretTable(client.secrets, clientId)}${keys}`
      })
    },
  })
}
