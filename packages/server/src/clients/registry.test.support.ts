import type { Scope } from '@latchkey/protocol'
import type { AdminEventName } from '../audit/events.ts'
import type { Change } from '../audit/change.ts'
import type { Result } from '../kernel/result.ts'
import { createResourceServer } from '../resource-servers/create-resource-server.ts'
import type { Rig } from '../store/contract/rig.ts'
import type { ChangeTransaction } from '../store/sql/change.ts'
import type { Revocation } from '../tokens/ports.ts'
import type { Client, ClientId } from './client.ts'
import { createClient } from './create-client.ts'
import type { Credential, CredentialId } from './credential.ts'

/** The operations' own view of a real store, with what they write to the revocation feed. */
export interface Registry {
  readonly change: Change<ChangeTransaction>
  /** Revocation entries of committed and refused changes alike, in order. */
  readonly revocations: Revocation[]
  addServer(name: string, scopes: string[], fields?: { exclusive?: boolean; tokenTtlSeconds?: number }): Promise<void>
  /** A client with a first secret, and its credential. */
  addClient(
    name: string,
    scopes: string[],
    tokenTtlSeconds?: number,
  ): Promise<{ client: Client; clientSecret: string; secret: Credential }>
  credential(id: CredentialId): Promise<Credential>
  /** Generations of all of a client's credentials, oldest first. */
  generations(clientId: ClientId): Promise<number[]>
  lastEvent(): Promise<{ name: AdminEventName; subject: string; details: Readonly<Record<string, unknown>> }>
}

export function registryOn(rig: Rig): Registry {
  const revocations: Revocation[] = []
  const change: Registry['change'] = (context, work) =>
    rig.store.change(context, (tx) =>
      work({
        ...tx,
        revocations: {
          ...tx.revocations,
          append(revocation, now) {
            revocations.push(revocation)
            return tx.revocations.append(revocation, now)
          },
        },
      }),
    )
  return {
    change,
    revocations,
    async addServer(name, scopes, { exclusive = false, tokenTtlSeconds } = {}) {
      const described = scopes.map((scope) => ({ name: scope, description: '' }))
      const input = { name, audience: `https://${name}.example.com`, scopes: described, exclusive, tokenTtlSeconds }
      must(await createResourceServer(change, rig.context(), input))
    },
    async addClient(name, scopes, tokenTtlSeconds) {
      const input = { name, scopes: scopes as Scope[], tokenTtlSeconds }
      const { client, clientSecret } = must(await createClient(change, rig.maker, rig.context(), input))
      const record = await rig.store.clients.find(client.clientId)
      const secret = record?.credentials.find(({ kind }) => kind === 'secret')
      if (secret === undefined) throw new Error('it has no secret')
      return { client, clientSecret, secret }
    },
    async credential(id) {
      const found = await rig.store.clients.findCredential(id)
      if (found === undefined) throw new Error(`there is no credential ${id}`)
      return found
    },
    async generations(clientId) {
      const record = await rig.store.clients.find(clientId)
      return (record?.credentials ?? []).map(({ generation }) => generation)
    },
    async lastEvent() {
      const rows = await rig.store.auditLogs.rows(0, 1000)
      const row = rows.at(-1)
      if (row === undefined) throw new Error('there is no row')
      return { name: row.name, subject: row.subject, details: row.details }
    },
  }
}

export function must<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.refusal)}`)
  return result.value
}

/** The reason of a refusal; `undefined` when there was none. */
export function reasonOf(result: Result<unknown, { readonly reason: string }>): string | undefined {
  return result.ok ? undefined : result.refusal.reason
}
