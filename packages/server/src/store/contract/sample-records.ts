import type { EpochMs, Scope } from '@latchkey/protocol'
import type { AdminEvent } from '../../audit/events.ts'
import type { Client, ClientId } from '../../clients/client.ts'
import type { Credential, CredentialId, CredentialReference, Generation } from '../../clients/credential.ts'
import { startMs } from '../../kernel/fixed-surroundings.test.support.ts'
import { Fault } from '../../kernel/faults.ts'
import type { NetworkPolicy, NetworkPolicyId, NetworkRules } from '../../network-policy/network-policy.ts'
import type { ResourceServer } from '../../resource-servers/resource-server.ts'
import type { ChangeTransaction } from '../sql/change.ts'
import type { OpenedStore } from './backend.ts'
import type { Rig } from './rig.ts'

/** Records as a test wants them, the rest filled in. */
export function sampleClient(clientId: string, fields: Partial<Client> = {}): Client {
  return {
    clientId: clientId as ClientId,
    name: 'Sample',
    kind: 'client',
    resourceServer: undefined,
    state: 'enabled',
    authentication: 'secret',
    scopes: [],
    scopeEnds: {},
    contactAddress: undefined,
    network: undefined,
    tokenTtlSeconds: undefined,
    createdAt: startMs,
    updatedAt: startMs,
    revision: 1,
    ...fields,
  }
}

export function samplePolicy(about: string, rules: Partial<NetworkRules> = {}): NetworkPolicy {
  return {
    id: `policy-of-${about}` as NetworkPolicyId,
    version: 9_007_199_254_740_000,
    rules: {
      mode: 'report',
      allow: [
        { cidr: '10.0.0.0/8', note: undefined, endsAt: undefined },
        { cidr: '2001:db8::/32', note: '“Büro” 🥐', endsAt: asMs(253_402_300_799_000) },
      ],
      covers: {
        tokenEndpoint: false,
        apis: [
          { name: 'a', endpoints: ['POST /x/**'] },
          { name: 'b', endpoints: undefined },
        ],
      },
      ...rules,
    },
  }
}

export function sampleCredential(clientId: string, id: string, fields: Partial<Credential> = {}): Credential {
  return {
    id: id as CredentialId,
    reference: `reference-of-${id}` as CredentialReference,
    clientId: clientId as ClientId,
    kind: 'secret',
    name: 'sample',
    generation: startMs as number as Generation,
    digest: 'digest',
    digestKeyId: 'key',
    parentId: undefined,
    createdAt: startMs,
    expiresAt: undefined,
    revokedAt: undefined,
    lastUsedAt: undefined,
    ...fields,
  }
}

export function sampleServer(
  name: string,
  scopes: readonly string[],
  fields: Partial<ResourceServer> = {},
): ResourceServer {
  return {
    name,
    audience: `https://${name}.example.com`,
    exclusive: false,
    scopes: scopes.map((scope) => ({ name: scope, description: `May ${scope}` })),
    tokenTtlSeconds: undefined,
    endpointRules: [],
    endpointRulesVersion: 0,
    clientId: undefined,
    createdAt: startMs,
    updatedAt: startMs,
    revision: 1,
    ...fields,
  }
}

/** An event for changes whose event is not what is tested. */
export const sampleEvent: AdminEvent = { name: 'client.updated', subject: 'sample', details: {} }

/** Writes in one change that must succeed. */
export async function write(rig: Rig, work: (tx: ChangeTransaction) => Promise<void>): Promise<void> {
  await rig.store.change(rig.context(), async (tx) => {
    await work(tx)
    return { ok: true, value: undefined, event: sampleEvent }
  })
}

/** Tries again while the database is busy: an embedded one refuses a change that meets another process's. */
export async function untilTaken<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof Fault && error.code === 'store.unavailable')) throw error
    }
  }
}

/** The sequences of the entries in the revocations, ascending. */
export async function revocationSequences(store: OpenedStore): Promise<number[]> {
  const { entries } = await store.revocations.after(0, 10_000)
  return entries.map(({ sequence }) => sequence)
}

export function asScopes(...names: string[]): Scope[] {
  return names as Scope[]
}

export function asClientId(text: string): ClientId {
  return text as ClientId
}

export function asMs(ms: number): EpochMs {
  return ms as EpochMs
}
