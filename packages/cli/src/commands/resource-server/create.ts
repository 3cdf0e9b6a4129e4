import { Option, type Command } from 'commander'
import { misuse } from '../../failure.ts'
import { namedScopesOption, secondsOption, type NamedScope } from '../../option-values.ts'
import { verb } from '../../verb.ts'
import { resourceServerRecord } from './layout.ts'

interface Options {
  readonly audience?: string
  readonly scope?: NamedScope[]
  readonly exclusive?: boolean
  readonly tokenTtl?: number
}

/** `resource-server create` */
export function createVerb(): Command {
  return verb<Options>({
    usage: 'create <NAME>',
    summary: 'register an API and its scopes',
    examples: [
      'latchkey resource-server create configurations --audience https://api.example.com/configurations \\\n      --scope "configurations.read=Read configurations" --scope configurations.write',
    ],
    options: [
      new Option('--audience <URI>', 'what its tokens are for: an absolute URI, unique'),
      namedScopesOption('--scope <NAME[=DESCRIPTION]>', 'a scope that it offers'),
      new Option('--exclusive', 'never granted by default, never in a token with another'),
      secondsOption('--token-ttl <S>', 'longest life of tokens for it, in seconds'),
    ],
    async run({ args: [name = ''], options, admin, print }) {
      const { audience, scope, exclusive, tokenTtl } = options
      if (audience === undefined) throw misuse('a resource server needs an audience', 'name it with --audience')
      if (scope === undefined) throw misuse('a resource server needs a scope', 'name at least one with --scope')
      const { resourceServers } = await admin()
      const server = await resourceServers.create({
        body: { name, audience, scopes: scope, exclusive, token_ttl_seconds: tokenTtl },
      })
      print(server, () => resourceServerRecord(server))
    },
  })
}
