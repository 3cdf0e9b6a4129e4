import type { EpochMs } from '@latchkey/protocol'
import type { Page, PageRequest } from '../kernel/page.ts'
import type { Client, ClientId } from './client.ts'
import type { ClientRecord } from './compile.ts'
import type { Credential, CredentialId } from './credential.ts'

/** What this room reads outside a change. */
export interface ClientReads {
  find(clientId: ClientId): Promise<ClientRecord | undefined>
  /** Partners' clients only, oldest first. */
  list(page: PageRequest): Promise<Page<Client>>
  findCredential(id: CredentialId): Promise<Credential | undefined>
}

/** What this room does inside a change. Reads see the transaction's own writes and hold the client against concurrent changes. */
export interface ClientWrites {
  find(clientId: ClientId): Promise<ClientRecord | undefined>
  findCredential(id: CredentialId): Promise<Credential | undefined>
  /** Clients that hold a scope of this resource server (`<name>/…`), or just one of its scopes. */
  holders(resourceServer: string, scopeName?: string): Promise<ClientId[]>
  insert(client: Client): Promise<void>
  /** Replaces everything but id, kind and creation time. */
  update(client: Client): Promise<void>
  /** Removes the client with its scopes and credentials. */
  delete(clientId: ClientId): Promise<void>
  insertCredential(credential: Credential): Promise<void>
  /** Replaces generation, revocation and expiry. */
  updateCredential(credential: Credential): Promise<void>
}

/** Writing behind: never on the path of a request. */
export interface CredentialUses {
  /** Moves `lastUsedAt` forward, never back; unknown ids are passed over. */
  recordUses(uses: readonly { readonly id: CredentialId; readonly at: EpochMs }[]): Promise<void>
}
