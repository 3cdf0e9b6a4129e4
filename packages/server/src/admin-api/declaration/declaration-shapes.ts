import type * as contract from '@latchkey/admin-contract'
import type { EpochMs, Scope } from '@latchkey/protocol'
import type { Client, ClientId } from '../../clients/client.ts'
import { isSameEnds, scopeEndEntries, type ScopeEnds } from '../../clients/scope-ends.ts'
import type { Declaration } from '../../declaration/declaration.ts'
import { isoMoment, stepAction, stepChanges } from '../../declaration/describe-plan.ts'
import { ownResourceServer, type Step } from '../../declaration/plan.ts'
import type { RegistryState } from '../../declaration/registry-state.ts'
import type { ResourceServer } from '../../resource-servers/resource-server.ts'

/** A document as the domain has it, with every default filled in. */
export function declarationOf(document: contract.DeclarationDocument): Declaration {
  return {
    resourceServers: document.resource_servers?.map((server) => ({
      name: server.name,
      audience: server.audience,
      exclusive: server.exclusive ?? false,
      tokenTtlSeconds: server.token_ttl_seconds,
      scopes: server.scopes.map(({ name, description = '' }) => ({ name, description })),
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

function serverEntry({ name, audience, exclusive, tokenTtlSeconds, scopes }: ResourceServer) {
  return {
    name,
    audience,
    ...(exclusive ? { exclusive } : {}),
    ...(tokenTtlSeconds === undefined ? {} : { token_ttl_seconds: tokenTtlSeconds }),
    scopes: scopes.map((scope) => (scope.description === '' ? { name: scope.name } : { ...scope })),
  }
}

/** Enabled is not said: a file from before an emergency must not enable what was disabled in it. */
function clientEntry(client: Client) {
  const { clientId, name, state, authentication, contactAddress, tokenTtlSeconds, scopes, scopeEnds: ends } = client
  return {
    client_id: clientId,
    name,
    ...(state === 'disabled' ? { state } : {}),
    ...(authentication === 'secret' ? {} : { authentication }),
    ...(contactAddress === undefined ? {} : { contact_address: contactAddress }),
    ...(tokenTtlSeconds === undefined ? {} : { token_ttl_seconds: tokenTtlSeconds }),
    scopes: [...scopes],
    ...(isSameEnds(ends, {})
      ? {}
      : { scope_ends: Object.fromEntries(scopeEndEntries(ends).map(([scope, end]) => [scope, isoMoment(end) ?? ''])) }),
  }
}

function scopeEnds(written: Readonly<Record<string, string>>): ScopeEnds {
  return Object.fromEntries(Object.entries(written).map(([scope, moment]) => [scope, Date.parse(moment) as EpochMs]))
}
