import type { Command } from 'commander'
import { verb } from '../../verb.ts'
import { secretTable } from '../secret/layout.ts'
import { registeredKeyTable, registeredSubjectTable } from '../cert/layout.ts'
import { clientRecord } from './layout.ts'

/** `client show` */
export function showVerb(): Command {
  return verb({
    usage: 'show <CLIENT>',
    summary:
      'show a client, its secrets (not the secrets themselves), and the keys and names that are registered for it',
    examples: ['latchkey client show 1f9k2m4p6r8t0v1x3z5b7d9f'],
    async run({ args: [clientId = ''], admin, print }) {
      const { clients } = await admin()
      const client = await clients.get({ params: { client_id: clientId } })
      print(client, () => {
        const { registered_keys: keys, registered_subjects: subjects } = client
        const tables = [
          secretTable(client.secrets, clientId),
          ...(keys.length === 0 ? [] : [registeredKeyTable(keys)]),
          ...(subjects.length === 0 ? [] : [registeredSubjectTable(subjects)]),
        ]
        return `${clientRecord(client)}\n${tables.join('\n')}`
      })
    },
  })
}
