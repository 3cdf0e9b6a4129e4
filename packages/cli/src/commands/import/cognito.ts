import type { ForeignApi, ForeignClient, ForeignExport, Note } from './foreign.ts'
import { fieldsOf, listOf, numberOf, readExportFile, textOf, textsOf, unreadable } from './read-export.ts'

type Fields = Readonly<Record<string, unknown>>

const unitSeconds: Readonly<Record<string, number>> = { seconds: 1, minutes: 60, hours: 3600, days: 86_400 }

/**
 * Reads what the AWS command line prints for a Cognito user pool: `describe-user-pool-client`, `list-resource-servers`,
 * `describe-resource-server`, any number of files, each with one answer or a list of them. Fails with `import.unreadable`.
 */
export async function readCognito(files: readonly string[]): Promise<ForeignExport> {
  const notes: Note[] = []
  const apis: ForeignApi[] = []
  const clients: ForeignClient[] = []
  for (const file of files) {
    const content = await readExportFile(file)
    const answers = (Array.isArray(content) ? content : [content]).map((answer) => fieldsOf(answer))
    if (!answers.some((answer) => isKnown(answer))) throw unreadable(`${file} is no answer of Cognito that can be read`)
    for (const answer of answers) {
      const servers = [...listOf(answer['ResourceServers']), ...listOf([answer['ResourceServer']])]
      apis.push(...servers.flatMap((server) => readApi(fieldsOf(server))))
      if (answer['UserPoolClient'] !== undefined) clients.push(...readClient(fieldsOf(answer['UserPoolClient']), notes))
      for (const listed of listOf(answer['UserPoolClients'])) notes.push(onlyListed(fieldsOf(listed)))
    }
  }
  return { apis, clients, notes }
}

function isKnown(answer: Fields): boolean {
  return ['ResourceServers', 'ResourceServer', 'UserPoolClient', 'UserPoolClients'].some(
    (key) => answer[key] !== undefined,
  )
}

function readApi(server: Fields): ForeignApi[] {
  const identifier = textOf(server['Identifier'])
  if (identifier === undefined) return []
  const scopes = listOf(server['Scopes']).flatMap((item) => {
    const { ScopeName, ScopeDescription } = fieldsOf(item)
    const name = textOf(ScopeName)
    return name === undefined ? [] : [{ name, description: textOf(ScopeDescription) ?? '' }]
  })
  return [{ identifier, title: textOf(server['Name']) ?? identifier, tokenTtlSeconds: undefined, scopes }]
}

function readClient(client: Fields, notes: Note[]): ForeignClient[] {
  const clientId = textOf(client['ClientId'])
  const name = textOf(client['ClientName']) ?? clientId ?? 'a client'
  const flows = textsOf(client['AllowedOAuthFlows'])
  if (!flows.includes('client_credentials') || client['AllowedOAuthFlowsUserPoolClient'] === false) {
    notes.push({
      about: name,
      message: `skipped: it is no machine-to-machine client (${flows.join(', ') || 'no OAuth flow'})`,
    })
    return []
  }
  if (clientId === undefined) {
    notes.push({ about: name, message: 'skipped: it has no ClientId' })
    return []
  }
  const grants = textsOf(client['AllowedOAuthScopes']).flatMap((scope) => {
    // An identifier may hold slashes itself, a scope's name none.
    const slash = scope.lastIndexOf('/')
    if (slash > 0) return [{ api: scope.slice(0, slash), scope: scope.slice(slash + 1) }]
    notes.push({ about: name, message: `the scope ${scope} does not move: it is Cognito's own, for users` })
    return []
  })
  return [{ clientId, name, tokenTtlSeconds: lifetimeOf(client), grants, authentication: undefined }]
}

/** Cognito counts in hours unless it says otherwise. */
function lifetimeOf(client: Fields): number | undefined {
  const validity = numberOf(client['AccessTokenValidity'])
  const unit = textOf(fieldsOf(client['TokenValidityUnits'])['AccessToken']) ?? 'hours'
  return validity === undefined ? undefined : Math.floor(validity * (unitSeconds[unit] ?? 3600))
}

function onlyListed(client: Fields): Note {
  const name = textOf(client['ClientName']) ?? textOf(client['ClientId']) ?? 'a client'
  return { about: name, message: 'a list says too little: give the answer of describe-user-pool-client for it' }
}
