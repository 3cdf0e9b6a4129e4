import path from 'node:path'
import type { ForeignApi, ForeignClient, ForeignExport, Note } from './foreign.ts'
import {
  fieldsOf,
  isFolder,
  listOf,
  numberOf,
  readExportFile,
  readExportFolder,
  textOf,
  textsOf,
  unreadable,
} from './read-export.ts'

type Fields = Readonly<Record<string, unknown>>

interface Tenant {
  readonly clients: readonly Fields[]
  readonly apis: readonly Fields[]
  readonly grants: readonly Fields[]
}

/**
 * Reads what Auth0's Deploy CLI exports: `tenant.yaml`, the same as JSON, or the folder of its directory format (`clients/`, `resource-servers/`,
 * `grants/`). Fails with `import.unreadable`.
 */
export async function readAuth0(place: string): Promise<ForeignExport> {
  const tenant = await readTenant(place)
  const notes: Note[] = []
  const apis = tenant.apis.flatMap((api) => readApi(api, notes))
  const grants = resolveGrants(tenant, apis, notes)
  const clients = tenant.clients.flatMap((client) => readClient(client, grants, notes))
  return { apis, clients, notes }
}

async function readTenant(place: string): Promise<Tenant> {
  if (await isFolder(place)) {
    const [clients, apis, grants] = await Promise.all(
      ['clients', 'resource-servers', 'grants'].map((name) => readExportFolder(path.join(place, name))),
    )
    return tenantOf(clients, apis, grants, place)
  }
  const content = fieldsOf(await readExportFile(place))
  // The Management API spells its answers with underscores.
  const apis = content['resourceServers'] ?? content['resource_servers']
  return tenantOf(content['clients'], apis, content['clientGrants'] ?? content['client_grants'], place)
}

function tenantOf(clients: unknown, apis: unknown, grants: unknown, place: string): Tenant {
  const [ours, theirs, between] = [clients, apis, grants].map((list) => listOf(list).map((item) => fieldsOf(item)))
  if (!ours?.length && !theirs?.length) {
    throw unreadable(`${place} holds neither clients nor resource servers of Auth0`)
  }
  return { clients: ours ?? [], apis: theirs ?? [], grants: between ?? [] }
}

function readApi(api: Fields, notes: Note[]): ForeignApi[] {
  const identifier = textOf(api['identifier'])
  const title = textOf(api['name']) ?? identifier ?? 'an API'
  if (identifier === undefined) {
    notes.push({ about: title, message: 'skipped: it has no identifier' })
    return []
  }
  if (api['is_system'] === true || /^https:\/\/[^/]+\.auth0\.com\/api\/v2\/$/.test(identifier)) {
    notes.push({ about: title, message: `skipped: ${identifier} is Auth0's own API` })
    return []
  }
  const scopes = listOf(api['scopes']).flatMap((item) => {
    const { value, description } = fieldsOf(item)
    const name = textOf(value)
    return name === undefined ? [] : [{ name, description: textOf(description) ?? '' }]
  })
  return [{ identifier, title, tokenTtlSeconds: numberOf(api['token_lifetime']), scopes }]
}

/** A grant names its client by id, or, in what the Deploy CLI writes, by name. */
type Grants = ReadonlyMap<string, ForeignClient['grants'][number][]>

function resolveGrants({ clients, grants }: Tenant, apis: readonly ForeignApi[], notes: Note[]): Grants {
  const known = new Map(apis.map((api) => [api.identifier, api]))
  const resolved = new Map<string, ForeignClient['grants'][number][]>()
  for (const grant of grants) {
    const named = textOf(grant['client_id']) ?? ''
    const audience = textOf(grant['audience']) ?? ''
    const ids = clientIdsOf(named, clients)
    const about = `grant of ${named || 'a client'}`
    const api = known.get(audience)
    if (api === undefined) {
      notes.push({
        about,
        message: `skipped: no API of the export that moves has the audience ${audience || 'that it names'}`,
      })
    } else if (grant['subject_type'] === 'user') {
      notes.push({ about, message: `skipped: it is for users who log in (${audience})` })
    } else if (ids.length === 0) {
      notes.push({ about, message: 'skipped: the export has no such client with a client_id' })
    } else if (ids.length > 1) {
      notes.push({ about, message: `skipped: ${ids.length} clients have this name; grant ${audience} by hand` })
    } else {
      const scopes = grant['allow_all_scopes'] === true ? api.scopes.map(({ name }) => name) : textsOf(grant['scope'])
      const held = resolved.get(ids[0] ?? '') ?? []
      resolved.set(ids[0] ?? '', [...held, ...scopes.map((scope) => ({ api: audience, scope }))])
    }
  }
  return resolved
}

function clientIdsOf(named: string, clients: readonly Fields[]): string[] {
  const byId = clients.filter((client) => client['client_id'] === named)
  const found = byId.length > 0 ? byId : clients.filter((client) => client['name'] === named)
  return found.flatMap((client) => textOf(client['client_id']) ?? [])
}

function readClient(client: Fields, grants: Grants, notes: Note[]): ForeignClient[] {
  const clientId = textOf(client['client_id'])
  const name = textOf(client['name']) ?? clientId ?? 'a client'
  const skip = (why: string): ForeignClient[] => {
    notes.push({ about: name, message: `skipped: ${why}` })
    return []
  }
  if (client['global'] === true) return skip("it is Auth0's own client for all of the tenant")
  const grantTypes = client['grant_types'] === undefined ? undefined : textsOf(client['grant_types'])
  const type = textOf(client['app_type'])
  if (!(grantTypes?.includes('client_credentials') ?? type === 'non_interactive')) {
    return skip(`it is no machine-to-machine client (${type ?? 'no app_type'})`)
  }
  if (clientId === undefined) {
    return skip('the export has no client_id for it; export again with AUTH0_EXPORT_IDENTIFIERS=true')
  }
  const others = (grantTypes ?? []).filter((grant) => grant !== 'client_credentials')
  if (others.length > 0) notes.push({ about: name, message: `only client_credentials moves, not ${others.join(', ')}` })
  const method = textOf(client['token_endpoint_auth_method'])
  return [
    {
      clientId,
      name,
      // Auth0 bounds access tokens by API, not by client.
      tokenTtlSeconds: undefined,
      grants: grants.get(clientId) ?? [],
      authentication: method === undefined || method.startsWith('client_secret_') ? undefined : method,
    },
  ]
}
