import type { EndpointRule } from '@latchkey/admin-contract'
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
import { readInput } from '../../read-input.ts'
import { printable } from '../../output/printable.ts'
import { verb } from '../../verb.ts'
import { readRule } from './endpoint-options.ts'
import { resourceServerRecord } from './layout.ts'

interface Options extends RevisionOptions {
  readonly audience?: string
  readonly addScope?: NamedScope[]
  readonly removeScope?: string[]
  readonly exclusive?: boolean
  readonly tokenTtl?: SecondsOrNone
  readonly endpoint?: string[]
  readonly openapi?: string
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
      "latchkey resource-server update configurations --endpoint 'GET /configurations/**=configurations.read' \\\n      --endpoint 'POST /configurations/**=configurations.write,allowed-ip'",
      'latchkey resource-server update configurations --openapi openapi.yaml',
    ],
    notes:
      'Whatever makes access smaller ends the tokens of the clients that it concerns.\nEndpoint rules are tried in their order, and the first that matches decides; guard and gate ask for them. A * in a path is any one segment, ** at its end whatever follows.',
    options: [
      new Option('--audience <URI>', 'another audience'),
      namedScopesOption('--add-scope <NAME[=DESCRIPTION]>', 'add a scope, or describe it anew'),
      listOption('--remove-scope <NAME>', 'remove a scope'),
      new Option('--exclusive', 'never granted by default, never in a token with another'),
      new Option('--no-exclusive', 'as any other').default(undefined),
      secondsOrNoneOption('--token-ttl <S>', 'longest life of tokens for it, in seconds, or none'),
      listOption(
        '--endpoint <RULE>',
        "what calls need: 'METHOD PATH=SCOPE,…[,allowed-ip][,certificate]'; replaces all rules, none takes them away",
      ),
      new Option(
        '--openapi <FILE>',
        'take the rules from an OpenAPI 3.0 or 3.1 document; - reads standard input',
      ).conflicts('endpoint'),
      new Option('--force', 'take removed scopes from the clients that hold them'),
      revisionOption(),
    ],
    async run({ args: [name = ''], options, admin, print }) {
      const { audience, addScope, removeScope, exclusive, tokenTtl, force, revision } = options
      const { rules, skipped } = await endpointRules(options)
      if ([audience, addScope, removeScope, exclusive, tokenTtl, rules].every((change) => change === undefined)) {
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
          endpoint_rules: rules,
          force,
          revision,
        },
      })
      const answer = options.openapi === undefined ? server : { ...server, skipped }
      print(answer, () => resourceServerRecord(server) + skippedText(skipped))
    },
  })
}

/** The rules that were given, in either way; undefined when none were. */
async function endpointRules({
  endpoint,
  openapi,
}: Options): Promise<{ readonly rules: EndpointRule[] | undefined; readonly skipped: readonly string[] }> {
  if (openapi !== undefined) {
    const { readOpenApi } = await import('./read-openapi.ts')
    const { rules, skipped } = readOpenApi(await readInput(openapi), openapi === '-' ? 'standard input' : openapi)
    if (rules.length === 0) throw misuse(`${openapi} says nothing that a rule can say`, skipped[0] ?? 'it has no paths')
    return { rules: [...rules], skipped }
  }
  if (endpoint?.includes('none') === true) {
    if (endpoint.length > 1) throw misuse('--endpoint none stands alone', 'it takes all rules away')
    return { rules: [], skipped: [] }
  }
  return { rules: endpoint?.map((text) => readRule(text)), skipped: [] }
}

function skippedText(skipped: readonly string[]): string {
  if (skipped.length === 0) return ''
  const lines = skipped.map((line) => `  ${printable(line)}\n`)
  return `\nNot taken over, so that these calls are refused where the rules are used:\n${lines.join('')}`
}
