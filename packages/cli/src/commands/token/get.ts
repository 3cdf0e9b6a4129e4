import type { Command } from 'commander'
import { listOption, scopesOption } from '../../option-values.ts'
import { printable } from '../../output/printable.ts'
import { verb } from '../../verb.ts'

interface Options {
  readonly scope?: string[]
  readonly resource?: string[]
}

/** `token get`: nothing but the token on standard output. */
export function getVerb(): Command {
  return verb<Options>({
    usage: 'get <CLIENT>',
    summary: 'issue a token for a client, without its secret, and print it',
    examples: [
      'latchkey token get 1f9k2m4p6r8t0v1x3z5b7d9f',
      'curl -H "Authorization: Bearer $(latchkey token get 1f9k2m4p6r8t0v1x3z5b7d9f)" https://api.example.com/',
    ],
    notes: 'For trying things out; the audit log names who issued it.',
    options: [
      scopesOption('--scope <SCOPE>', 'a scope to ask for; all that it is granted when absent'),
      listOption('--resource <URI>', 'an audience to narrow to (RFC 8707)'),
    ],
    async run({ args: [clientId = ''], options, admin, print }) {
      const { tokens } = await admin()
      const issued = await tokens.get({
        body: { client_id: clientId, scope: options.scope?.join(' '), resource: options.resource },
      })
      print(issued, () => `${printable(issued.access_token)}\n`)
    },
  })
}
