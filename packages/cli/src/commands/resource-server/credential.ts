import type { Command } from 'commander'
import { record } from '../../output/layout.ts'
import { verb } from '../../verb.ts'

/** `resource-server credential`: prints the secret, once. */
export function credentialVerb(): Command {
  return verb({
    usage: 'credential <NAME>',
    summary: 'make a credential with which the API introspects tokens, and print it',
    examples: ['latchkey resource-server credential configurations --json'],
    notes: 'Each call makes one more secret for the same client_id; `latchkey secret list CLIENT_ID` shows them.',
    async run({ args: [name = ''], admin, print }) {
      const { resourceServers } = await admin()
      const made = await resourceServers.createCredential({ params: { name } })
      print(
        made,
        () =>
          record([
            ['client_id', made.client_id],
            ['client_secret', made.client_secret],
          ]) + '\nThe secret is shown only this once.\n',
      )
    },
  })
}
