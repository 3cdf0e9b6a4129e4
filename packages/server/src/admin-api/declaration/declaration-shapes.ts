import type * as contract from '@latchkey/admin-contract'
import type { EpochMs, Scope } from '@latchkey/protocol'
import type { Client, ClientId } from '../../clients/client.ts'
import { isSameEnds, scopeEndEntries, type ScopeEnds } from '../../clients/scope-ends.ts'
import type { Declaration } from '../../declaration/declaration.ts'
import type { DeclaredNetwork } from '../../declaration/declared-network.ts'
import { isoMoment, stepAction, stepChanges } from '../../declaration/describe-plan.ts'
import { ownResourceServer, type Step } from '../../declaration/plan.ts'
import type { RegistryState } from '../../declaration/registry-state.ts'
import type { NetworkRules } from '../../network-policy/network-policy.ts'
import type { ResourceServer } from '../../resource-servers/resource-server.ts'
import { ruleShape, writtenRule } from '../resource-servers/rule-shapes.ts'

type WrittenNetwork = NonNullable<NonNullable<contract.DeclarationDocument['clients']>[number]['network']>

/** A document as the domain has it, with every default filled in. */
export function declarationOf(document: contract.DeclarationDocument): Declaration {
  return {
    resourceServers: document.resource_servers?.map((server) => ({
      name: server.name,
      audience: server.audience,
      exclusive: server.exclusive ?? false,
      tokenTtlSeconds: server.token_ttl_seconds,
      scopes: server.scopes.map(({ name, description = '' }) => ({ name, description })),
      endpointRules: server.endpoint_rules?.map((rule) => writtenRule(rule)),
    })),
    clients: document.clients?.map((client) => ({
      clientId: client.client_id as ClientId,
      name: client.name,
      state: client.state,
      authentication: client.authentication,
      tokenTtlSeconds: client.token_ttl_seconds,
      scopes: client.scopes as Scope[],
      scopeEnds: client.scope_ends && scopeEnds(client.scope_ends),
      contactAddress: client.contact_address,
      network: client.network && declaredNetwork(client.network),
    })),
  }
}

/** What there is as a document, in a stable order: resource servers by name, clients by client_id. */
export function documentOf({ resourceServers, clients }: RegistryState): contract.DeclarationExport {
  return {
    latchkey: 1,
    resource_servers: resourceServers
      .filter(({ name }) => name !== ownResourceServer)
      .map((server) => serverEntry(server)),
    clients: clients.map((client) => clientEntry(client)),
  }
}

export function stepShape(step: Step): contract.DeclarationStep {
  return {
    action: stepAction(step),
    kind: step.kind,
    id: step.id,
    ...(step.kind === 'client' ? { name: (step.after ?? step.before)?.name } : {}),
    changes: stepChanges(step),
    ends_tokens_of: [...step.endsTokensOf],
  }
}

function serverEntry({ name, audience, exclusive, tokenTtlSeconds, scopes, endpointRules }: ResourceServer) {
  return {
    name,
    audience,
    ...(exclusive ? { exclusive } : {}),
    ...(tokenTtlSeconds === undefined ? {} : { token_ttl_seconds: tokenTtlSeconds }),
    scopes: scopes.map((scope) => (scope.description === '' ? { name: scope.name } : { ...scope })),
    ...(endpointRules.length === 0 ? {} : { endpoint_rules: endpointRules.map((rule) => ruleShape(rule)) }),
  }
}

/** Enabled is not said: a file from before an emergency must not enable what was disabled in it. */
function clientEntry(client: Client) {
  const {
    clientId,
    name,
    state,
    authentication,
    contactAddress,
    tokenTtlSeconds,
    network,
    scopes,
    scopeEnds: ends,
  } = client
  return {
    client_id: clientId,
    name,
    ...(state === 'disabled' ? { state } : {}),
    ...(authentication === 'secret' ? {} : { authentication }),
    ...(contactAddress === undefined ? {} : { contact_address: contactAddress }),
    ...(tokenTtlSeconds === undefined ? {} : { token_ttl_seconds: tokenTtlSeconds }),
    ...(network?.rules === undefined ? {} : { network: networkEntry(network.rules) }),
    scopes: [...scopes],
    ...(isSameEnds(ends, {})
      ? {}
      : { scope_ends: Object.fromEntries(scopeEndEntries(ends).map(([scope, end]) => [scope, isoMoment(end) ?? ''])) }),
  }
}

function networkEntry({ mode, allow, covers }: NetworkRules) {
  return {
    ...(mode === 'enforce' ? {} : { mode }),
    allow: allow.map(({ cidr, note, endsAt }) => ({
      cidr,
      ...(note === undefined ? {} : { note }),
      ...(endsAt === undefined ? {} : { until: isoMoment(endsAt) }),
    })),
    ...(covers === undefined
      ? {}
      : {
          covers: {
            token_endpoint: covers.tokenEndpoint,
            apis: covers.apis.map(({ name, endpoints }) => ({
              name,
              ...(endpoints === undefined ? {} : { endpoints: [...endpoints] }),
            })),
          },
        }),
  }
}

function declaredNetwork({ mode = 'enforce', allow = [], covers }: WrittenNetwork): DeclaredNetwork {
  if (mode === 'unrestricted') return 'lifted'
  return {
    mode,
    allow: allow.map(({ cidr, note, until }) => ({
      cidr,
      note,
      endsAt: until === undefined ? undefined : (Date.parse(until) as EpochMs),
    })),
    covers: covers && { tokenEndpoint: covers.token_endpoint, apis: covers.apis },
  }
}

function scopeEnds(written: Readonly<Record<string, string>>): ScopeEnds {
  return Object.fromEntries(Object.entries(written).map(([scope, moment]) => [scope, Date.parse(moment) as EpochMs]))
}
