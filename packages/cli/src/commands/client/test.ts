import type { Command } from 'commander'
import { UnfavourableAnswer } from '../../failure.ts'
import { listOption, scopesOption } from '../../option-values.ts'
import { record } from '../../output/layout.ts'
import { verb } from '../../verb.ts'

interface Options {
  readonly scope?: string[]
  readonly resource?: string[]
}

/** `client test`: exit code 1 when the request would be refused. */
export function testVerb(): Command {
  return verb<Options>({
    usage: 'test <CLIENT>',
    summary: 'say whether a token request would be granted, and why not',
    examples: [
      'latchkey client test 1f9k2m4p6r8t0v1x3z5b7d9f',
      'latchkey client test 1f9k2m4p6r8t0v1x3z5b7d9f --scope configurations/configurations.read',
    ],
    notes: 'Issues nothing. Ends with 0 when it would be granted, with 1 when not.',
    options: [
      scopesOption('--scope <SCOPE>', 'a scope to ask for; all that it is granted when absent'),
      listOption('--resource <URI>', 'an audience to narrow to (RFC 8707)'),
    ],
    async run({ args: [clientId = ''], options, admin, print }) {
      const { clients } = await admin()
      const preview = await clients.test({
        params: { client_id: clientId },
        body: { scope: options.scope?.join(' '), resource: options.resource },
      })
      print(preview, () =>
        preview.granted
          ? record([
              ['granted', 'yes'],
              ['scopes', preview.scopes],
              ['audience', preview.audience],
              ['expires in', `${preview.expires_in} s`],
            ])
          : record([
              ['granted', 'no'],
              ['reason', preview.reason],
              ['answer', preview.error],
              ['explanation', preview.explanation],
            ]),
      )
      if (!preview.granted) throw new UnfavourableAnswer()
    },
  })
}
