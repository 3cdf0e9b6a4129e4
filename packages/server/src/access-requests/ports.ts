import type { EpochMs } from '@latchkey/protocol'
import type { Page, PageRequest } from '../kernel/page.ts'
import type { NoticeWrites } from '../notices/ports.ts'
import type { AccessRequest, AccessRequestId, Invitation, RequestState } from './request.ts'

export interface RequestFilter {
  /** As it is at this moment. */
  readonly state?: { readonly is: Exclude<RequestState, 'unconfirmed'>; readonly at: EpochMs } | undefined
}

/** What this room reads outside a change. */
export interface RequestReads {
  find(id: AccessRequestId): Promise<AccessRequest | undefined>
  /** The digests of the keys that open it; none for a request that is not there. */
  keyDigests(id: AccessRequestId): Promise<readonly string[]>
  /** Confirmed ones, oldest first: nobody on the team sees another. */
  list(page: PageRequest & RequestFilter): Promise<Page<AccessRequest>>
  findInvitation(keyDigest: string): Promise<Invitation | undefined>
  /** Newest first. */
  listInvitations(page: PageRequest): Promise<Page<Invitation>>
  /** Undecided ones whose time is over. */
  overdue(now: EpochMs): Promise<readonly AccessRequest[]>
  /** Those in which nothing can happen any more, and whose time was over before this moment; a hundred at most. */
  over(before: EpochMs): Promise<readonly AccessRequest[]>
  /** Forgets what nobody confirmed in time. */
  removeUnconfirmed(now: EpochMs): Promise<void>
}

/** What this room does inside a change. */
export interface RequestWrites {
  find(id: AccessRequestId): Promise<AccessRequest | undefined>
  insert(request: AccessRequest): Promise<void>
  /** Replaces everything but id and time of creation. */
  update(request: AccessRequest): Promise<void>
  /** With the keys that open it. */
  remove(id: AccessRequestId): Promise<void>
  /** One more key opens it. */
  insertKey(id: AccessRequestId, digest: string, now: EpochMs): Promise<void>
  /** Requests that were made since, for a contact's address, and for everybody at its domain. */
  countFor(contactAddress: string, since: EpochMs): Promise<{ readonly address: number; readonly domain: number }>
  countUnconfirmed(): Promise<number>
  /** Counts one use of an invitation that is open; undefined, and nothing counted, when none is. Of two at once no use is lost. */
  useInvitation(keyDigest: string, now: EpochMs): Promise<Invitation | undefined>
  findInvitationById(id: string): Promise<Invitation | undefined>
  insertInvitation(invitation: Invitation): Promise<void>
  revokeInvitation(id: string, now: EpochMs): Promise<void>
}

/** What a stranger may write. */
export interface IntakeTransaction {
  readonly requests: RequestWrites
  readonly notices: NoticeWrites
}

/**
 * Takes what strangers send in a transaction that stands in nobody's way: it does not wait in line with changes, and has no audit row, as nothing
 * of it is in force. Counts in it are those of a moment ago: a limit can be passed by as many as come at the same time.
 */
export type Intake = <T>(work: (tx: IntakeTransaction) => Promise<T>) => Promise<T>
