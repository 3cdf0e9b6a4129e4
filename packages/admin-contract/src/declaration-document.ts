import { z } from 'zod'
import { endpointRules } from './endpoint-rules.ts'
import * as field from './fields.ts'
import * as network from './network.ts'

/** Largest document, in entries. */
const maxResourceServers = 1000
const maxClients = 10_000
const maxScopes = 1000

/** A client secret of ours, whole or torn off behind its first 20 random characters. */
const secretForm = /lk_[a-z0-9]{1,16}_[A-Za-z0-9]{8,32}_[A-Za-z0-9]{20,}/

/** Whether a client secret of ours stands somewhere in this text. */
export function holdsSecret(text: string): boolean {
  return secretForm.test(text)
}

/** What is said wherever a secret is found in a declaration. Never quotes it. */
export const secretInDeclaration =
  'here stands a client secret: no declaration holds one. Take it out, and revoke it if it is in use (`latchkey secret revoke ID`)'

function withoutSecret(schema: z.ZodString): z.ZodString {
  return schema.refine((text) => !holdsSecret(text), secretInDeclaration)
}

const scopeEntry = z.strictObject({ name: field.scopeName, description: withoutSecret(field.description).optional() })

/** An API as the file wants it. What is absent has its default: not exclusive, no lifetime of its own, no description. */
const resourceServer = z.strictObject({
  name: field.resourceServerName,
  audience: withoutSecret(field.audience),
  exclusive: z.boolean().optional(),
  token_ttl_seconds: field.tokenTtlSeconds.optional(),
  scopes: z.array(scopeEntry).max(maxScopes),
  /** What its calls need. Absent: as it is, since a file from before they were written down must not open the API. */
  endpoint_rules: endpointRules.optional(),
})

/** Whole seconds, in UTC: `2027-01-31T00:00:00Z`. */
const moment = z.iso
  .datetime({ precision: 0, error: 'a moment in UTC, for example 2027-01-31T00:00:00Z' })
  .meta({ examples: ['2027-01-31T00:00:00Z'] })

/** Where a client may call from; with `mode: unrestricted`, and that alone, from anywhere. */
const declaredNetwork = z.strictObject({
  mode: z.enum(['enforce', 'report', 'unrestricted']).optional(),
  allow: z
    .array(
      z.strictObject({
        cidr: network.cidr,
        note: withoutSecret(network.note).optional(),
        until: moment.optional(),
      }),
    )
    .min(1)
    .max(network.maxAddresses)
    .optional(),
  /** Absent: the token endpoint and every API. */
  covers: network.writtenCoverage.optional(),
})

/**
 * A client as the file wants it. Without `state` it stays as it is: a file must not enable by silence what was disabled in an emergency. Nor does
 * silence touch `authentication`, `contact_address`, `network` or `scope_ends`.
 */
const client = z.strictObject({
  client_id: field.clientId,
  name: withoutSecret(field.displayName),
  state: z.enum(['enabled', 'disabled']).optional(),
  authentication: field.authentication.optional(),
  contact_address: field.contactAddress.optional(),
  token_ttl_seconds: field.tokenTtlSeconds.optional(),
  network: declaredNetwork.optional(),
  scopes: z.array(field.scope).max(maxScopes),
  /** By scope, when it ends; one that is not named here has no end. */
  scope_ends: z.record(field.scope, moment).optional(),
})

/**
 * What `latchkey apply` takes and `latchkey export` gives: resource servers by name, clients by client_id, never a secret. A section that is
 * absent says nothing about its kind.
 */
export const declarationDocument = z
  .strictObject({
    /** Version of this format. */
    latchkey: z.literal(1, 'the version of the format, 1'),
    resource_servers: z.array(resourceServer).max(maxResourceServers).optional(),
    clients: z.array(client).max(maxClients).optional(),
  })
  .superRefine((document, context) => {
    for (const { path, message } of contradictions(document)) context.addIssue({ code: 'custom', path, message })
  })

export type DeclarationDocument = z.infer<typeof declarationDocument>

interface Contradiction {
  readonly path: (string | number)[]
  readonly message: string
}

/** What the document can be told to contradict without asking a server: identities named twice, scopes that its own API does not have. */
function contradictions({ resource_servers: servers = [], clients = [] }: DocumentContent): Contradiction[] {
  const found = [
    ...repetitions(
      ['resource_servers'],
      'name',
      servers.map((server) => server.name),
    ),
    ...repetitions(
      ['resource_servers'],
      'audience',
      servers.map((server) => server.audience),
    ),
    ...repetitions(
      ['clients'],
      'client_id',
      clients.map((each) => each.client_id),
    ),
  ]
  const offered = new Map<string, Set<string>>()
  for (const [i, server] of servers.entries()) {
    const names = server.scopes.map((each) => each.name)
    offered.set(server.name, new Set(names))
    found.push(...repetitions(['resource_servers', i, 'scopes'], 'name', names))
  }
  for (const [i, each] of clients.entries()) {
    found.push(...repetitions(['clients', i, 'scopes'], undefined, each.scopes))
    found.push(...networkContradictions(i, each.network))
    for (const scope of Object.keys(each.scope_ends ?? {})) {
      if (!each.scopes.includes(scope))
        found.push({
          path: ['clients', i, 'scope_ends', scope],
          message: `the client is not to have the scope ${scope}`,
        })
    }
    for (const [j, held] of each.scopes.entries()) {
      const slash = held.indexOf('/')
      const names = offered.get(held.slice(0, slash))
      if (names !== undefined && !names.has(held.slice(slash + 1))) {
        const message = `the resource server ${held.slice(0, slash)} of this file has no scope ${held.slice(slash + 1)}`
        found.push({ path: ['clients', i, 'scopes', j], message })
      }
    }
  }
  return found
}

function networkContradictions(i: number, declared: z.infer<typeof declaredNetwork> | undefined): Contradiction[] {
  if (declared === undefined) return []
  const path = ['clients', i, 'network']
  const { mode, allow, covers } = declared
  if (mode !== 'unrestricted') {
    return allow === undefined
      ? [{ path: [...path, 'allow'], message: 'name the addresses that it may call from' }]
      : []
  }
  return allow === undefined && covers === undefined
    ? []
    : [{ path: [...path, 'mode'], message: 'unrestricted stands alone: leave out allow and covers' }]
}

type DocumentContent = Pick<z.infer<typeof content>, 'resource_servers' | 'clients'>
const content = z.object({ resource_servers: z.array(resourceServer).optional(), clients: z.array(client).optional() })

/** Values that stand a second time in a list, at `path` and its index, and there at `key` where the list holds objects. */
function repetitions(path: (string | number)[], key: string | undefined, values: readonly string[]): Contradiction[] {
  const first = new Map<string, number>()
  return values.flatMap((value, i) => {
    const before = first.get(value)
    if (before === undefined) {
      first.set(value, i)
      return []
    }
    const place = [...path, i, ...(key === undefined ? [] : [key])]
    return [
      {
        path: place,
        message: `${key === undefined ? '' : `${key} `}${value} is named twice (first as entry ${before + 1})`,
      },
    ]
  })
}
