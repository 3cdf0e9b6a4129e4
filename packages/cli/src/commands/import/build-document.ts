import type { DeclarationExport } from '@latchkey/admin-contract'
import { isResourceServerName, isScopeName, maxTokenLifetimeSeconds } from '@latchkey/protocol'
import { Failure } from '../../failure.ts'
import type { ForeignApi, ForeignClient, ForeignExport, Note } from './foreign.ts'
import type { Choices } from './choices.ts'

export interface Imported {
  readonly document: DeclarationExport
  readonly notes: readonly Note[]
}

/** Shortest life of a token that a document may ask for, in seconds. */
const minTokenLifetimeSeconds = 60
const maxNameLength = 120
const maxDescriptionLength = 500

type ServerEntry = DeclarationExport['resource_servers'][number]

/**
 * Turns another server's export into a document, keeping client ids, and notes what does not move or moves changed. What cannot be decided here
 * (two APIs of one name, an audience that is no URI) fails with `import.undecided`, naming all of it and how to decide it.
 */
export function buildDocument(foreign: ForeignExport, choices: Choices): Imported {
  const notes = [...foreign.notes]
  const servers = nameApis(foreign.apis, choices, notes)
  const offered = new Map(
    [...servers].map(([identifier, server]) => [identifier, new Set(server.scopes.map(({ name }) => name))]),
  )
  const ids = new Set<string>()
  const clients = foreign.clients.flatMap((client) => {
    if (!/^[A-Za-z0-9-]{1,64}$/.test(client.clientId)) {
      const message = `skipped: its client_id ${client.clientId} is not 1 to 64 of A-Z a-z 0-9 -, so that it cannot be kept; register it anew`
      notes.push({ about: client.name, message })
      return []
    }
    if (ids.has(client.clientId)) {
      notes.push({
        about: client.name,
        message: `skipped: the client_id ${client.clientId} stands in the export twice`,
      })
      return []
    }
    ids.add(client.clientId)
    return [clientEntry(client, servers, offered, notes)]
  })
  const byId = clients.toSorted((a, b) => (a.client_id < b.client_id ? -1 : 1))
  const byName = [...servers.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return { document: { latchkey: 1, resource_servers: byName, clients: byId }, notes }
}

function nameApis(apis: readonly ForeignApi[], choices: Choices, notes: Note[]): Map<string, ServerEntry> {
  const undecided: string[] = []
  const servers = new Map<string, ServerEntry>()
  const takenBy = new Map<string, string>()
  for (const api of apis) {
    const { identifier } = api
    if (servers.has(identifier)) {
      notes.push({ about: api.title, message: `skipped: the API ${identifier} stands in the export twice` })
      continue
    }
    const scopes = scopeEntries(api, notes)
    if (scopes.length === 0) {
      notes.push({ about: api.title, message: 'skipped: it has no scope that moves, and an API needs one' })
      continue
    }
    const name = choices.nameOf(identifier) ?? (isResourceServerName(identifier) ? identifier : slug(api.title))
    const audience = choices.audienceOf(identifier) ?? identifier
    const other = takenBy.get(name)
    if (!isResourceServerName(name) || name === 'latchkey')
      undecided.push(`${identifier} has no name that fits: --map '${identifier}=NAME'`)
    else if (other !== undefined)
      undecided.push(`${identifier} and ${other} would both be ${name}: --map '${identifier}=NAME'`)
    if (!isAudience(audience)) undecided.push(`${identifier} is no absolute URI: --audience '${identifier}=URI'`)
    takenBy.set(name, identifier)
    if (name !== identifier)
      notes.push({ about: api.title, message: `${identifier} is now ${name}: its scopes are asked for as ${name}/…` })
    const ttl = lifetime(api.tokenTtlSeconds, api.title, notes)
    servers.set(identifier, { name, audience, ...(ttl === undefined ? {} : { token_ttl_seconds: ttl }), scopes })
  }
  if (undecided.length > 0) {
    throw new Failure(
      1,
      'import.undecided',
      undecided.join('; '),
      'decide with --map and --audience; both can be repeated',
    )
  }
  return servers
}

function scopeEntries(api: ForeignApi, notes: Note[]): ServerEntry['scopes'] {
  const seen = new Set<string>()
  return api.scopes
    .flatMap(({ name, description }) => {
      if (!isScopeName(name)) {
        notes.push({
          about: api.title,
          message: `the scope ${name} does not move: a name is 1 to 127 of A-Z a-z 0-9 . _ : -`,
        })
        return []
      }
      if (seen.has(name)) return []
      seen.add(name)
      const kept = plainText(description, maxDescriptionLength)
      if (kept !== description)
        notes.push({ about: api.title, message: `the description of ${name} was shortened to one plain line` })
      return [kept === '' ? { name } : { name, description: kept }]
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function clientEntry(
  client: ForeignClient,
  servers: ReadonlyMap<string, ServerEntry>,
  offered: ReadonlyMap<string, ReadonlySet<string>>,
  notes: Note[],
): DeclarationExport['clients'][number] {
  const about = client.name
  const scopes = client.grants.flatMap(({ api, scope }) => {
    const server = servers.get(api)
    if (server !== undefined && offered.get(api)?.has(scope)) return [`${server.name}/${scope}`]
    notes.push({
      about,
      message: `the scope ${scope} of ${api} is not granted: the API, or this scope of it, does not move`,
    })
    return []
  })
  if (scopes.length === 0)
    notes.push({ about, message: 'it has no scopes, so that it gets no token until it is granted some' })
  const ttl = lifetime(client.tokenTtlSeconds, about, notes)
  const name = plainText(client.name, maxNameLength) || client.clientId
  if (name !== client.name) notes.push({ about, message: 'its name was shortened to one plain line' })
  const add = `\`latchkey secret add ${client.clientId}\` makes a new one`
  const message =
    client.authentication === undefined
      ? `its secret cannot move: ${add}`
      : `it authenticates by ${client.authentication}, which does not move: it needs a secret; ${add}`
  notes.push({ about, message })
  return {
    client_id: client.clientId,
    name,
    ...(ttl === undefined ? {} : { token_ttl_seconds: ttl }),
    scopes: [...new Set(scopes)].toSorted(),
  }
}

function lifetime(seconds: number | undefined, about: string, notes: Note[]): number | undefined {
  if (seconds === undefined) return undefined
  const kept = Math.min(maxTokenLifetimeSeconds, Math.max(minTokenLifetimeSeconds, Math.floor(seconds)))
  if (kept !== seconds)
    notes.push({
      about,
      message: `its tokens lived ${seconds} s; here ${kept} s (${minTokenLifetimeSeconds} to ${maxTokenLifetimeSeconds})`,
    })
  return kept
}

/** What can stand in `audience` of a document. */
function isAudience(value: string): boolean {
  return (
    value.length <= 512 &&
    /^[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9\-._~:/?[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/.test(value)
  )
}

/** `Orders API (EU)` → `orders-api-eu`. */
function slug(title: string): string {
  return title
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63)
}

/** On one line, without control and formatting characters. */
function plainText(text: string, maxLength: number): string {
  const plain = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, ' ')
  return plain === text && text.length <= maxLength ? text : plain.trim().slice(0, maxLength)
}
