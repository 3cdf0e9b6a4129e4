import type { GrantPreview } from '@latchkey/admin-contract'
import { Option, type Command } from 'commander'
import { UnfavourableAnswer } from '../../failure.ts'
import { listOption, scopesOption } from '../../option-values.ts'
import { record, type RecordEntry } from '../../output/layout.ts'
import { verb } from '../../verb.ts'

interface Options {
  readonly scope?: string[]
  readonly resource?: string[]
  readonly address?: string
  readonly api?: string
  readonly endpoint?: string
}

/** `client test`: exit code 1 when the request would be refused. */
export function testVerb(): Command {
  return verb<Options>({
    usage: 'test <CLIENT>',
    summary: 'say whether a token request would be granted, and why not',
    examples: [
      'latchkey client test 1f9k2m4p6r8t0v1x3z5b7d9f',
      'latchkey client test 1f9k2m4p6r8t0v1x3z5b7d9f --scope configurations/configurations.read',
      "latchkey client test 1f9k2m4p6r8t0v1x3z5b7d9f --address 203.0.113.9 --api configurations --endpoint 'POST /configurations/7'",
    ],
    notes: 'Issues nothing. Ends with 0 when it would be granted, and the call let through; with 1 when not.',
    options: [
      scopesOption('--scope <SCOPE>', 'a scope to ask for; all that it is granted when absent'),
      listOption('--resource <URI>', 'an audience to narrow to (RFC 8707)'),
      new Option('--address <ADDRESS>', 'where it would call from'),
      new Option('--api <NAME>', 'with --address: would a call of this API be let through'),
      new Option('--endpoint <CALL>', "with --api: of this call, such as 'POST /configurations/7'"),
    ],
    async run({ args: [clientId = ''], options, admin, print }) {
      const { clients } = await admin()
      const preview = await clients.test({
        params: { client_id: clientId },
        body: {
          scope: options.scope?.join(' '),
          resource: options.resource,
          address: options.address,
          api: options.api,
          endpoint: options.endpoint,
        },
      })
      print(preview, () =>
        preview.granted
          ? record([
              ['granted', 'yes'],
              ['scopes', preview.scopes],
              ['audience', preview.audience],
              ['expires in', `${preview.expires_in} s`],
              ...placeEntries(preview),
            ])
          : record([
              ['granted', 'no'],
              ['reason', preview.reason],
              ['answer', preview.error],
              ['explanation', preview.explanation],
              ...placeEntries(preview),
            ]),
      )
      if (!preview.granted || preview.call?.verdict === 'not_allowed') throw new UnfavourableAnswer()
    },
  })
}

function placeEntries({ address, call }: GrantPreview): RecordEntry[] {
  return [
    ['from', address && `${address.seen}: ${address.explanation}`],
    ['call', call && `${call.api} ${call.endpoint ?? '(any call)'}: ${call.explanation}`],
  ]
}
