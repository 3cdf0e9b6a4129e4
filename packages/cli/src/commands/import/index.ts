import type { Command } from 'commander'
import { Failure } from '../../failure.ts'
import { listOption } from '../../option-values.ts'
import { printable, printableJson } from '../../output/printable.ts'
import { verb } from '../../verb.ts'
import { declarationText } from '../apply/declaration-text.ts'
import { readAuth0 } from './auth0.ts'
import { buildDocument, type Imported } from './build-document.ts'
import { readChoices } from './choices.ts'
import { readCognito } from './cognito.ts'
import type { ForeignExport } from './foreign.ts'

interface Options {
  readonly map?: string[]
  readonly audience?: string[]
  readonly json?: boolean
}

/** What both importers say about themselves. */
const whatMoves = `Reads files, asks no server. The document goes to standard output, notes to standard error: what does not move, and what
moves changed. Client ids are kept; secrets cannot move, and none is read. With --json, both are on standard output.`

export function importVerbs(): Command[] {
  return [auth0Verb(), cognitoVerb()]
}

function auth0Verb(): Command {
  return verb<Options>({
    usage: 'auth0 <PLACE>',
    summary: "from an export of Auth0's Deploy CLI: tenant.yaml, or its folder",
    examples: [
      'latchkey import auth0 auth0/tenant.yaml > latchkey.yaml',
      'AUTH0_EXPORT_IDENTIFIERS=true a0deploy export --format yaml --output_folder auth0    takes one, with client ids',
    ],
    notes: whatMoves,
    offline: true,
    options: choiceOptions(),
    async run({ args: [place = ''], options }) {
      answer(await readAuth0(place), options)
    },
  })
}

function cognitoVerb(): Command {
  return verb<Options>({
    usage: 'cognito <FILES...>',
    summary: 'from what the AWS command line prints for a Cognito user pool',
    examples: [
      'latchkey import cognito apis.json client.json > latchkey.yaml',
      'aws cognito-idp list-resource-servers --user-pool-id POOL --max-results 50 > apis.json',
      'aws cognito-idp describe-user-pool-client --user-pool-id POOL --client-id ID > client.json',
    ],
    notes: `${whatMoves}\nCognito's identifiers are no audiences: one that is no URI needs --audience.`,
    offline: true,
    options: choiceOptions(),
    async run({ args: [files], options }) {
      // Commander hands over what may be repeated as a list.
      answer(await readCognito([files ?? []].flat()), options)
    },
  })
}

function choiceOptions() {
  return [
    listOption('--map <IDENTIFIER=NAME>', 'name of the resource server for the API that has this identifier'),
    listOption('--audience <IDENTIFIER=URI>', 'audience of the API that has this identifier'),
  ]
}

function answer(foreign: ForeignExport, { map, audience, json }: Options): void {
  const choices = readChoices(map, audience)
  const imported = buildDocument(foreign, choices)
  choices.requireAllUsed()
  const { document, notes } = imported
  if (document.clients.length === 0 && document.resource_servers.length === 0) {
    throw new Failure(
      1,
      'import.nothing',
      `nothing of the export moves: ${whyNothing(imported)}`,
      '`latchkey import --help` says what can be read',
    )
  }
  if (json === true) {
    process.stdout.write(`${printableJson({ document, notes })}\n`)
    return
  }
  for (const { about, message } of notes) process.stderr.write(`note: ${printable(about)}: ${printable(message)}\n`)
  process.stdout.write(declarationText(document, ['Resource servers and clients, by `latchkey import`.']))
}

function whyNothing({ notes }: Imported): string {
  return notes.map(({ about, message }) => `${about}: ${message}`).join('; ') || 'it is empty'
}
