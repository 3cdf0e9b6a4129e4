import { Option, type Command } from 'commander'
import { misuse } from '../../failure.ts'
import {
  listOption,
  namedScopesOption,
  orNull,
  revisionOption,
  secondsOrNoneOption,
  type NamedScope,
  type RevisionOptions,
  type SecondsOrNone,
} from '../../option-values.ts'
import { verb } from '../../verb.ts'
import { resourceServerRecord } from './layout.ts'

interface Options extends RevisionOptions {
  readonly audience?: string
  readonly addScope?: NamedScope[]
  readonly removeScope?: string[]
  readonly exclusive?: boolean
  readonly tokenTtl?: SecondsOrNone
  readonly force?: boolean
}

/** `resource-server update` */
export function updateVerb(): Command {
  return verb<Options>({
    usage: 'update <NAME>',
    summary: 'change a resource server; what is not named stays',
    examples: [
      'latchkey resource-server update configurations --add-scope "configurations.write=Change configurations"',
      'latchkey resource-server update configurations --remove-scope configurations.write --force',
    ],
    notes: 'Whatever makes access smaller ends the tokens of the clients that it concerns.',
    options: [
      new Option('--audience <URI>', 'another audience'),
      namedScopesOption('--add-scope <NAME[=DESCRIPTION]>', 'add a scope, or describe it anew'),
      listOption('--remove-scope <NAME>', 'remove a scope'),
      new Option('--exclusive', 'never granted by default, never in a token with another'),
      new Option('--no-exclusive', 'as any other').default(undefined),
      secondsOrNoneOption('--token-ttl <S>', 'longest life of tokens for it, in seconds, or none'),
      new Option('--force', 'take removed scopes from the clients that hold them'),
      revisionOption(),
    ],
    async run({ args: [name = ''], options, admin, print }) {
      const { audience, addScope, removeScope, exclusive, tokenTtl, force, revision } = options
      if ([audience, addScope, removeScope, exclusive, tokenTtl].every((change) => change === undefined)) {
        throw misuse('nothing to change', 'name a change, for example --add-scope')
      }
      const { resourceServers } = await admin()
      const server = await resourceServers.update({
        params: { name },
        body: {
          audience,
          set_scopes: addScope,
          remove_scopes: removeScope,
          exclusive,
          token_ttl_seconds: orNull(tokenTtl),
          force,
          revision,
        },
      })
      print(server, () => resourceServerRecord(server))
    },
  })
}
