import type { EpochMs, Scope } from '@latchkey/protocol'
import type { ChangeContext, ChangeOutcome } from '../audit/change.ts'
import type { AdminEvent } from '../audit/events.ts'
import { takesSecret, type ClientAuthentication } from '../clients/authentication.ts'
import type { ClientId } from '../clients/client.ts'
import { createdDetails, newClientId, registerClient } from '../clients/create-client.ts'
import { findClient, updateClientWithin } from '../clients/update-client.ts'
import { createLinkWithin, handOut, type HandedOutLink } from '../delivery-links/create-link.ts'
import { refuseChange, type ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import { approvedNetwork, isSameNetwork, requestedNetwork } from './approved-network.ts'
import { takesCsr } from './check-key.ts'
import { makeStatusLink, nextRevision, requestWords, type RequestDesk, type RequestTransaction } from './desk.ts'
import type { AccessRequest, ApprovedNetwork, ApprovedScope, Decision } from './request.ts'
import { findReviewed, type Reviewed } from './team-acts.ts'

export interface ApprovalInput extends Reviewed {
  /** A part of what is asked for; undefined: all of it, without end. */
  readonly scopes: readonly ApprovedScope[] | undefined
  readonly reason: string | undefined
  /** How the new client proves who it is; undefined: as it is asked for. */
  readonly authentication: ClientAuthentication | undefined
  /** Where the client may call from; undefined: from the addresses that the request names. */
  readonly network: ApprovedNetwork | undefined
}

export interface Approved {
  readonly request: AccessRequest
  /** How many more people have to approve; 0: it is done. */
  readonly waitingFor: number
  /** Of a new client. */
  readonly handedOut: HandedOutLink | undefined
}

/** Whom approvals never come from, and how they differ, under the four-eyes rule. */
const localActor = 'local-socket'

/**
 * Approves a request, or a part of it: the client (or the wider access of the one that it names), one delivery link, and the messages, in one
 * change. Under the four-eyes rule the first approval is noted and the second, by somebody else and of the same, does it. Refuses as `findReviewed` and
 * `changeNetwork` say, and with `scope.unknown`, `request.authentication_unavailable`, `request.addresses_undecided`, `request.not_an_approver`, `client.unknown`.
 */
export function approveRequest(
  desk: RequestDesk,
  context: ChangeContext,
  input: ApprovalInput,
): Promise<Result<Approved, ChangeRefusal>> {
  return desk.change(context, async (tx) => {
    const found = await findReviewed(tx, context, input, 'approve')
    if (!found.ok) return found
    const request = found.value
    const scopes = approvedScopes(request, input, context.now)
    if (!scopes.ok) return scopes
    const authentication = approvedAuthentication(desk, request, input)
    if (!authentication.ok) return authentication
    const network = approvedNetwork(request, input.network)
    if (!network.ok) return network
    const barred = await whyNotApprover(tx, desk, context, request)
    if (barred !== undefined) return refuseChange('request.not_an_approver', barred)
    const others = request.approvals.filter(
      (earlier) =>
        earlier.actor !== context.actor &&
        isSame(earlier.scopes, scopes.value) &&
        (earlier.authentication ?? request.form.authentication) === authentication.value &&
        isSameNetwork(earlier.network, network.value),
    )
    const terms = {
      scopes: scopes.value,
      authentication: authentication.value,
      network: network.value,
      reason: input.reason,
    }
    if (others.length + 1 < desk.approvals) return noteApproval(tx, context, request, terms)
    return perform(tx, desk, context, request, terms)
  })
}

function approvedScopes(
  { form }: AccessRequest,
  { scopes }: ApprovalInput,
  now: EpochMs,
): Result<readonly ApprovedScope[], ChangeRefusal> {
  const asked = form.scopes.map(({ scope }) => scope as Scope)
  const chosen = scopes ?? asked.map((scope) => ({ scope, endsAt: undefined }))
  const other = chosen.find(({ scope }) => !asked.includes(scope))
  if (other !== undefined) return refuseChange('scope.unknown', `${other.scope} is not asked for`, 'scopes')
  const ended = chosen.find(({ endsAt }) => endsAt !== undefined && endsAt <= now)
  if (ended !== undefined) return refuseChange('scope.unknown', `${ended.scope} would have ended already`, 'scopes')
  // In the order of the request, each once: so that two approvers who say the same are seen to.
  return done(asked.flatMap((scope) => chosen.findLast((one) => one.scope === scope) ?? []))
}

/** Refuses a way that this server does not have, and another one for a client that has its own. */
function approvedAuthentication(
  { authentications }: RequestDesk,
  { form }: AccessRequest,
  { authentication: chosen }: ApprovalInput,
): Result<ClientAuthentication, ChangeRefusal> {
  const authentication = chosen ?? form.authentication
  if (form.client_id !== undefined && authentication !== form.authentication) {
    const message = `${form.client_id} keeps its way to prove who it is: \`latchkey client update\` changes it`
    return refuseChange('request.authentication_unavailable', message, 'authentication')
  }
  if (authentications.includes(authentication)) return done(authentication)
  const message = `this server asks nobody for certificates, so no client can prove itself by ${authentication}`
  return refuseChange('request.authentication_unavailable', message, 'authentication')
}

/** What is approved. */
interface Terms {
  readonly scopes: readonly ApprovedScope[]
  readonly authentication: ClientAuthentication
  readonly network: ApprovedNetwork | undefined
  readonly reason: string | undefined
}

async function whyNotApprover(
  tx: RequestTransaction,
  { approvals }: RequestDesk,
  { actor }: ChangeContext,
  { form }: AccessRequest,
): Promise<string | undefined> {
  if (actor === localActor) {
    return approvals === 1
      ? undefined
      : 'approvals of two people need two clients of their own: the local socket names nobody'
  }
  const own = await tx.clients.find(actor as ClientId)
  const isRequester =
    actor === form.client_id || own?.client.contactAddress?.toLowerCase() === form.contact_address.toLowerCase()
  return isRequester ? 'nobody approves a request of his own' : undefined
}

function isSame(one: readonly ApprovedScope[], other: readonly ApprovedScope[]): boolean {
  return (
    one.length === other.length &&
    one.every(({ scope, endsAt }, i) => other[i]?.scope === scope && other[i].endsAt === endsAt)
  )
}

/** The first of two. One that differs from an earlier one takes its place: they have to agree. */
async function noteApproval(
  tx: RequestTransaction,
  { actor, now }: ChangeContext,
  request: AccessRequest,
  { scopes, authentication, network }: Terms,
): Promise<ChangeOutcome<Approved, ChangeRefusal>> {
  // Not another revision: what the second approver looks at has not changed.
  const noted: AccessRequest = { ...request, approvals: [{ actor, at: now, scopes, authentication, network }] }
  await tx.requests.update(noted)
  return {
    ...done({ request: noted, waitingFor: 1, handedOut: undefined }),
    event: {
      name: 'request.approval_noted',
      subject: request.id,
      details: { revision: request.revision, scopes: scopes.map(({ scope }) => scope), authentication },
    },
  }
}

interface Performed {
  readonly clientId: ClientId
  readonly handedOut: HandedOutLink | undefined
  readonly parts: readonly AdminEvent[]
}

async function perform(
  tx: RequestTransaction,
  desk: RequestDesk,
  context: ChangeContext,
  request: AccessRequest,
  terms: Terms,
): Promise<ChangeOutcome<Approved, ChangeRefusal>> {
  const { scopes, network, reason } = terms
  const performed =
    request.form.client_id === undefined
      ? await createRequestedClient(tx, desk, context, request, terms)
      : await widenClient(tx, desk, context, request.form.client_id as ClientId, terms)
  if (!performed.ok) return performed
  const { clientId, handedOut, parts } = performed.value
  const authentication = handedOut && terms.authentication
  const { now, actor } = context
  const refusedScopes = request.form.scopes
    .map(({ scope }) => scope as Scope)
    .filter((scope) => !scopes.some((one) => one.scope === scope))
  const decision: Decision = {
    at: now,
    actor,
    approved: scopes,
    reason,
    clientId,
    linkId: handedOut?.link.id,
    authentication,
  }
  const state = refusedScopes.length === 0 ? 'approved' : 'partly_approved'
  const approvals = [...request.approvals, { actor, at: now, scopes, authentication: terms.authentication, network }]
  const after = nextRevision(request, { state, decision, approvals })
  await tx.requests.update(after)
  const statusLink = await makeStatusLink(tx, desk, request.id, now)
  await desk.notifier.queue(
    tx,
    { kind: 'contact', address: request.form.contact_address },
    {
      kind: 'request.approved',
      about: request.id,
      words: { ...requestWords(after), clientId, approved: scopes, refused: refusedScopes, reason },
      secret: { statusLink },
    },
    now,
  )
  return {
    ...done({ request: after, waitingFor: 0, handedOut }),
    parts,
    event: {
      name: 'request.approved',
      subject: request.id,
      details: {
        revision: request.revision,
        client_id: clientId,
        link: handedOut?.link.id,
        authentication,
        approved: scopes.map(({ scope }) => scope),
        refused: refusedScopes,
        approvers: approvals.map((one) => one.actor),
        addresses: network ?? (request.form.source_addresses.length === 0 ? undefined : 'left-out'),
      },
    },
  }
}

async function createRequestedClient(
  tx: RequestTransaction,
  { maker, issuer, notifier }: RequestDesk,
  context: ChangeContext,
  { id, form }: AccessRequest,
  { scopes, authentication, network }: Terms,
): Promise<Result<Performed, ChangeRefusal>> {
  const clientId = newClientId(maker.random)
  const registered = await registerClient(tx, maker, context, {
    clientId,
    name: form.application_name,
    scopes: scopes.map(({ scope }) => scope),
    scopeEnds: Object.fromEntries(
      scopes.flatMap(({ scope, endsAt }) => (endsAt === undefined ? [] : [[scope, endsAt]])),
    ),
    contactAddress: form.contact_address,
    authentication,
    network: requestedNetwork(maker.random, network),
    state: 'enabled',
  })
  if (!registered.ok) return registered
  const created = await createLinkWithin(tx, maker, context, {
    clientId,
    contactAddress: undefined,
    requestId: id,
    lifetimeSeconds: undefined,
    secretLifetimeSeconds: undefined,
    secretName: takesSecret(authentication) ? 'first' : undefined,
    withCode: false,
    // What was pasted for another way than the approved one stays in the request.
    csr: takesCsr(authentication) ? form.csr : undefined,
    ownCertificate: authentication === 'self-signed-mtls' ? form.certificate : undefined,
  })
  if (!created.ok) return created
  const handedOut = await handOut(tx, { issuer, notifier, byMail: true }, created.value, context.now)
  const event: AdminEvent = {
    name: 'client.created',
    subject: clientId,
    details: { ...createdDetails(registered.value), request: id },
  }
  return done({ clientId, handedOut, parts: [event, ...(created.parts ?? []), created.event] })
}

/** More scopes for a client that there is. Its credentials stay, so that no link is needed; a scope that it holds already gets the end that is approved now. */
async function widenClient(
  tx: RequestTransaction,
  { maker }: RequestDesk,
  context: ChangeContext,
  clientId: ClientId,
  { scopes, network }: Terms,
): Promise<Result<Performed, ChangeRefusal>> {
  const found = await findClient(tx.clients, clientId)
  if (!found.ok) return found
  const widened = await updateClientWithin(tx, context, clientId, {
    addScopes: scopes.map(({ scope }) => scope),
    scopeEnds: new Map(scopes.map(({ scope, endsAt }) => [scope, endsAt])),
    network: requestedNetwork(maker.random, network),
  })
  if (!widened.ok) return widened
  return done({ clientId, handedOut: undefined, parts: [widened.event] })
}
