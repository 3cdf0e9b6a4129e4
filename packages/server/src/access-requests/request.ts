import type { AccessRequestForm, RequestState } from '@latchkey/portal-contract'
import type { Brand, EpochMs, Scope } from '@latchkey/protocol'
import type { ClientAuthentication } from '../clients/authentication.ts'
import type { ClientId } from '../clients/client.ts'
import type { LinkId } from '../delivery-links/link.ts'
import type { NetworkChange } from '../network-policy/change-network.ts'

export type { RequestState } from '@latchkey/portal-contract'

/** Server-made, `[a-z0-9]{24}`: names a request in its path, in lists and in the audit log. Not a secret. */
export type AccessRequestId = Brand<string, 'AccessRequestId'>

/** A request for access, from the form to the decision. */
export interface AccessRequest {
  readonly id: AccessRequestId
  /** As it was left: `requestState` says what it is by now. */
  readonly state: RequestState
  /** Grows by one with every change: a decision names the one that was looked at. */
  readonly revision: number
  /** What is asked for, checked, with every address in its one spelling. */
  readonly form: AccessRequestForm
  readonly messages: readonly RequestMessage[]
  readonly createdAt: EpochMs
  /** When the contact's address was confirmed, and so when the team first saw it. */
  readonly submittedAt: EpochMs | undefined
  readonly expiresAt: EpochMs
  readonly invitationId: string | undefined
  /** Under the four-eyes rule: who has approved what there is now. */
  readonly approvals: readonly Approval[]
  readonly decision: Decision | undefined
}

export interface RequestMessage {
  readonly at: EpochMs
  readonly from: 'team' | 'requester'
  /** Of the team: who wrote it. Not shown to the requester. */
  readonly actor: string | undefined
  readonly text: string
}

/** A scope that is approved. */
export interface ApprovedScope {
  readonly scope: Scope
  readonly endsAt: EpochMs | undefined
}

/** One half of a decision that takes two. */
export interface Approval {
  readonly actor: string
  readonly at: EpochMs
  readonly scopes: readonly ApprovedScope[]
  /** Of a new client; absent in an approval by an older version: as it was asked for. */
  readonly authentication?: ClientAuthentication | undefined
  /** Absent in those of older versions, and where there is nothing to say. */
  readonly network?: ApprovedNetwork | undefined
}

/** Where the client may call from; `left-out`: what the request says of addresses is not taken over, seen by whoever approves. */
export type ApprovedNetwork = NetworkChange | 'left-out'

export interface Decision {
  readonly at: EpochMs
  readonly actor: string
  readonly approved: readonly ApprovedScope[]
  readonly reason: string | undefined
  /** The client that was made, or whose access became wider. */
  readonly clientId: ClientId | undefined
  readonly linkId: LinkId | undefined
  /** How the new client proves who it is; absent for one that there was. */
  readonly authentication?: ClientAuthentication | undefined
}

/** What lets somebody ask where requests are taken by invitation. */
export interface Invitation {
  readonly id: string
  /** SHA-256 of the key of its link, base64url. */
  readonly keyDigest: string
  /** For the team: whom it is for. */
  readonly note: string | undefined
  readonly createdAt: EpochMs
  readonly createdBy: string
  readonly expiresAt: EpochMs
  /** Requests that it is good for; undefined: any number. */
  readonly maxUses: number | undefined
  readonly uses: number
  readonly revokedAt: EpochMs | undefined
}

/** The domain of an address, in lower case. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase()
}
