import type { EpochMs } from '@latchkey/protocol'
import type { ClientId } from '../clients/client.ts'
import type { Page, PageRequest } from '../kernel/page.ts'
import type { DeliveryLink, LinkId } from './link.ts'
import type { LinkState } from './link-state.ts'

/** Which links to list; what is absent does not matter. */
export interface LinkFilter {
  readonly clientId?: ClientId | undefined
  /** As it is at this moment. */
  readonly state?: { readonly is: LinkState; readonly at: EpochMs } | undefined
}

/** What this room reads outside a change. */
export interface LinkReads {
  find(id: LinkId): Promise<DeliveryLink | undefined>
  /** Newest first. */
  list(page: PageRequest & LinkFilter): Promise<Page<DeliveryLink>>
  /** Links whose credential was shown, and is neither confirmed nor revoked yet. */
  unconfirmed(): Promise<readonly DeliveryLink[]>
}

/** What this room does inside a change. A client's links go with the client. */
export interface LinkWrites {
  find(id: LinkId): Promise<DeliveryLink | undefined>
  /** This client's links that could still be claimed, or whose credential is unconfirmed. */
  unsettled(clientId: ClientId): Promise<readonly DeliveryLink[]>
  insert(link: DeliveryLink): Promise<void>
  /** Replaces what can change after the link was made. */
  update(link: DeliveryLink): Promise<void>
}

/** A process that serves partners, as the others see it. */
export interface Presence {
  readonly processId: string
  readonly seenAt: EpochMs
  /** Every use of a credential before this moment is in the database. */
  readonly usesReportedUntil: EpochMs
}

/** Who serves, and up to when each has reported what it saw. Never on the path of a request. */
export interface PresenceBook {
  note(presence: Presence): Promise<void>
  /** A process that stops has reported everything. */
  leave(processId: string): Promise<void>
  /** Those that were heard of after this moment; what is older is removed. */
  present(heardAfter: EpochMs): Promise<readonly Presence[]>
}
