import { formatKeyedLink, type EpochMs } from '@latchkey/protocol'
import type { Change } from '../audit/change.ts'
import type { LinkTransaction } from '../delivery-links/transaction.ts'
import { digestKey, isKeyOf, makeKey } from '../delivery-links/link-key.ts'
import type { ClientAuthentication } from '../clients/authentication.ts'
import type { CredentialMaker } from '../clients/secrets.ts'
import { refused, done, type Result } from '../kernel/result.ts'
import type { RequestWords } from '../notices/notice.ts'
import type { Notifier } from '../notices/notifier.ts'
import type { Catalogue } from '../resource-servers/catalogue.ts'
import type { ResourceServerWrites } from '../resource-servers/ports.ts'
import type { Intake, RequestReads, RequestWrites } from './ports.ts'
import { requestState } from './request-state.ts'
import type { AccessRequest, AccessRequestId } from './request.ts'

/** Who may ask for access on the public page. */
export type RequestMode = 'open' | 'invitation' | 'off'

export interface RequestTransaction extends LinkTransaction {
  readonly requests: RequestWrites
  readonly resourceServers: ResourceServerWrites
}

/** What working on requests needs. */
export interface RequestDesk {
  readonly mode: RequestMode
  /** How many different people an approval takes: one or two. */
  readonly approvals: 1 | 2
  /** How long one that is over is kept, in days, after its time; 0: for ever. */
  readonly retentionDays: number
  /** How clients can prove who they are here. */
  readonly authentications: readonly ClientAuthentication[]
  readonly issuer: string
  readonly reads: RequestReads
  readonly intake: Intake
  readonly change: Change<RequestTransaction>
  readonly maker: CredentialMaker
  readonly notifier: Notifier
  readonly catalogue: () => Catalogue
}

/** The name under which the audit log keeps what a requester did. */
export const requesterActor = 'portal'

/**
 * The request of this key. Refuses a wrong key, an unknown request and one that was never confirmed in time alike, with the same work: a stranger
 * gets no further than this read.
 */
export async function proveRequest(
  reads: RequestReads,
  id: AccessRequestId,
  key: string,
  now: EpochMs,
): Promise<Result<AccessRequest, 'request.unknown'>> {
  const [request, digests] = await Promise.all([reads.find(id), reads.keyDigests(id)])
  const fits = (digests.length === 0 ? [undefined] : digests).map((digest) => isKeyOf(key, digest))
  if (request === undefined || !fits.includes(true)) return refused('request.unknown')
  if (request.state === 'unconfirmed' && requestState(request, now) === 'expired') return refused('request.unknown')
  return done(request)
}

/** One more key to a request, for one message: none is kept, so that every message gets its own. Answers the link of its status page. */
export async function makeStatusLink(
  tx: { readonly requests: Pick<RequestWrites, 'insertKey'> },
  { issuer, maker }: Pick<RequestDesk, 'issuer' | 'maker'>,
  id: AccessRequestId,
  now: EpochMs,
): Promise<string> {
  const key = makeKey(maker.random)
  await tx.requests.insertKey(id, digestKey(key), now)
  return formatKeyedLink('accessRequests', { issuer, id, key })
}

export function requestWords({ id, form }: AccessRequest): RequestWords {
  return { requestId: id, organisation: form.organisation, applicationName: form.application_name }
}

/** A request after a change: one revision later, and the approvals of what it was before are gone. */
export function nextRevision(before: AccessRequest, changes: Partial<AccessRequest>): AccessRequest {
  return { ...before, approvals: [], ...changes, revision: before.revision + 1 }
}
