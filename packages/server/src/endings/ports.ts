import type { EpochMs } from '@latchkey/protocol'
import type { NoticeWrites } from '../notices/ports.ts'
import type { Ending, EndingClient, EndingKind, Threshold } from './ending.ts'

/** What ends between two moments, of clients that are enabled. */
export interface EndingReads {
  /** Secrets and certificates that are not revoked. `subject` is the credential's id. */
  credentials(after: EpochMs, until: EpochMs): Promise<readonly Ending[]>
  scopes(after: EpochMs, until: EpochMs): Promise<readonly Ending[]>
  /** Addresses that clients may call from. */
  addresses(after: EpochMs, until: EpochMs): Promise<readonly Ending[]>
  /** Foreign authorities, whenever they end: that stands in their certificates. */
  anchors(): Promise<readonly RegisteredAnchor[]>
}

/** A foreign authority, with the registration that stands on it. */
export interface RegisteredAnchor extends Pick<Ending, 'subject' | 'name'> {
  readonly client: EndingClient
  /** PEM: the first certificate is the authority. */
  readonly anchor: string
}

/** One message that was sent, or is about to be. Another end of the same thing is another mark. */
export interface EndingMark {
  readonly kind: EndingKind
  readonly subject: string
  readonly endsAt: EpochMs
  readonly threshold: Threshold
}

/** Of what was told already, over every server on the database. */
export interface EndingBook {
  /** Marks of ends that are still to come. */
  told(now: EpochMs): Promise<readonly EndingMark[]>
  /**
   * Notes the mark and does the work in one transaction; answers false, and does nothing, when it was noted before. Of two servers at the same moment one
   * tells. Stands in nobody's way, and has no audit row: nothing of it is in force.
   */
  tellOnce(mark: EndingMark, work: (tx: { readonly notices: NoticeWrites }) => Promise<void>): Promise<boolean>
  /** Forgets marks of ends before this moment. */
  removeOld(before: EpochMs): Promise<void>
}
