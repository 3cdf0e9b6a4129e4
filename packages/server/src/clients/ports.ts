import type { EpochMs, Scope } from '@latchkey/protocol'
import type { Page, PageRequest } from '../kernel/page.ts'
import type { Client, ClientId, ClientState } from './client.ts'
import type { RegisteredKey, RegisteredSubject } from './client-certificate.ts'
import type { ClientRecord } from './compile.ts'
import type { Credential, CredentialId } from './credential.ts'

/** Which clients to list; what is absent does not matter. */
export interface ClientFilter {
  readonly state?: ClientState | undefined
  /** One that they are granted. */
  readonly scope?: Scope | undefined
}

/** What this room reads outside a change. */
export interface ClientReads {
  find(clientId: ClientId): Promise<ClientRecord | undefined>
  /** Partners' clients only, oldest first. */
  list(page: PageRequest & ClientFilter): Promise<Page<Client>>
  findCredential(id: CredentialId): Promise<Credential | undefined>
}

/** What this room does inside a change. Reads see the transaction's own writes and hold the client against concurrent changes. */
export interface ClientWrites {
  find(clientId: ClientId): Promise<ClientRecord | undefined>
  findCredential(id: CredentialId): Promise<Credential | undefined>
  /** Partners' clients, all of them, sorted by client_id. Holds none of them against concurrent changes, as `find` does. */
  all(): Promise<Client[]>
  /** Clients that hold a scope of this resource server (`<name>/…`), or just one of its scopes. */
  holders(resourceServer: string, scopeName?: string): Promise<ClientId[]>
  insert(client: Client): Promise<void>
  /** Replaces everything but id, kind and creation time. */
  update(client: Client): Promise<void>
  /** Removes the client with its scopes and credentials; its certificates stay on record, revoked at this moment. */
  delete(clientId: ClientId, at: EpochMs): Promise<void>
  insertCredential(credential: Credential): Promise<void>
  insertRegisteredKey(key: RegisteredKey): Promise<void>
  insertRegisteredSubject(subject: RegisteredSubject): Promise<void>
  /** Replaces generation, revocation and expiry. */
  updateCredential(credential: Credential): Promise<void>
}

/** Writing behind: never on the path of a request. */
export interface CredentialUses {
  /** Moves `lastUsedAt` forward, never back; unknown ids are passed over. */
  recordUses(uses: readonly { readonly id: CredentialId; readonly at: EpochMs }[]): Promise<void>
}
