import type * as contract from '@latchkey/admin-contract'
import { toSeconds, type EpochMs } from '@latchkey/protocol'
import type { RegisteredSubject } from '../clients/client-certificate.ts'
import type { Client } from '../clients/client.ts'
import type { ClientRecord } from '../clients/compile.ts'
import type { Credential } from '../clients/credential.ts'
import { scopeEndEntries } from '../clients/scope-ends.ts'
import { restricts, versionAt, type NetworkPolicy } from '../network-policy/network-policy.ts'
import type { ResourceServer } from '../resource-servers/resource-server.ts'
import { ruleShape } from './resource-servers/rule-shapes.ts'

/** Domain objects as the contract spells them: snake_case, times in seconds. Digests and references have no place in any of them. */

/** `now` decides which version of its network policy verifiers see. */
export function clientShape(client: Client, now: EpochMs): contract.Client {
  const scopeEnds = scopeEndEntries(client.scopeEnds)
  return {
    client_id: client.clientId,
    name: client.name,
    state: client.state,
    authentication: client.authentication,
    scopes: [...client.scopes],
    scope_ends:
      scopeEnds.length === 0 ? undefined : Object.fromEntries(scopeEnds.map(([scope, end]) => [scope, toSeconds(end)])),
    contact_address: client.contactAddress,
    token_ttl_seconds: client.tokenTtlSeconds,
    network: networkShape(client.network, now),
    created_at: toSeconds(client.createdAt),
    updated_at: toSeconds(client.updatedAt),
    revision: client.revision,
  }
}

function networkShape(policy: NetworkPolicy | undefined, now: EpochMs): contract.NetworkPolicy | undefined {
  if (!restricts(policy)) return undefined
  const { mode, allow, covers } = policy.rules
  return {
    id: policy.id,
    version: versionAt(policy, now),
    mode,
    allow: allow.map(({ cidr, note, endsAt }) => ({ cidr, note, ends_at: optionalSeconds(endsAt) })),
    covers: covers && {
      token_endpoint: covers.tokenEndpoint,
      apis: covers.apis.map(({ name, endpoints }) => ({ name, endpoints: endpoints && [...endpoints] })),
    },
  }
}

/** The secrets among these credentials; the built-in one is nobody's to manage. `now` decides which have expired. */
export function secretShapes(credentials: readonly Credential[], now: EpochMs): contract.Secret[] {
  return credentials.filter(({ kind }) => kind === 'secret').map((credential) => secretShape(credential, now))
}

export function registeredKeyShapes(credentials: readonly Credential[]): contract.RegisteredKey[] {
  return credentials.filter(({ kind }) => kind === 'registered-key').map((credential) => registeredKeyShape(credential))
}

export function registeredKeyShape(credential: Credential): contract.RegisteredKey {
  return {
    id: credential.id,
    sha256: credential.name,
    state: credential.revokedAt === undefined ? 'active' : 'revoked',
    created_at: toSeconds(credential.createdAt),
    last_used_at: optionalSeconds(credential.lastUsedAt),
    revoked_at: optionalSeconds(credential.revokedAt),
  }
}

export function registeredSubjectShapes({ certificates, credentials }: ClientRecord): contract.RegisteredSubject[] {
  return certificates.flatMap((registered) => {
    const credential = credentials.find(({ id }) => id === registered.credentialId)
    return registered.kind !== 'subject' || credential === undefined
      ? []
      : [registeredSubjectShape(registered, credential)]
  })
}

export function registeredSubjectShape(
  { subjectKind, subject, anchor }: RegisteredSubject,
  credential: Credential,
): contract.RegisteredSubject {
  return {
    id: credential.id,
    kind: subjectKind,
    subject,
    anchor,
    state: credential.revokedAt === undefined ? 'active' : 'revoked',
    created_at: toSeconds(credential.createdAt),
    last_used_at: optionalSeconds(credential.lastUsedAt),
    revoked_at: optionalSeconds(credential.revokedAt),
  }
}

function secretShape(credential: Credential, now: EpochMs): contract.Secret {
  return {
    id: credential.id,
    name: credential.name,
    created_at: toSeconds(credential.createdAt),
    expires_at: optionalSeconds(credential.expiresAt),
    last_used_at: optionalSeconds(credential.lastUsedAt),
    revoked_at: optionalSeconds(credential.revokedAt),
    state: secretState(credential, now),
    replaces: credential.parentId,
  }
}

export function resourceServerShape(server: ResourceServer): contract.ResourceServer {
  return {
    name: server.name,
    audience: server.audience,
    exclusive: server.exclusive,
    scopes: server.scopes.map(({ name, description }) => ({ name, description })),
    token_ttl_seconds: server.tokenTtlSeconds,
    endpoint_rules: server.endpointRules.length === 0 ? undefined : server.endpointRules.map((rule) => ruleShape(rule)),
    client_id: server.clientId,
    created_at: toSeconds(server.createdAt),
    updated_at: toSeconds(server.updatedAt),
    revision: server.revision,
  }
}

export function optionalSeconds(at: EpochMs | undefined): number | undefined {
  return at === undefined ? undefined : toSeconds(at)
}

/** The moment `seconds` from now; undefined stays undefined. */
export function momentIn(seconds: number | undefined, now: EpochMs): EpochMs | undefined {
  return seconds === undefined ? undefined : ((now + seconds * 1000) as EpochMs)
}

function secretState(credential: Credential, now: EpochMs): contract.Secret['state'] {
  if (credential.revokedAt !== undefined) return 'revoked'
  return credential.expiresAt !== undefined && credential.expiresAt <= now ? 'expired' : 'active'
}
