import type { AccessRequestRecord } from '@latchkey/admin-contract'
import { toSeconds, type EpochMs } from '@latchkey/protocol'
import { askableScope } from '../../access-requests/check-form.ts'
import { readPasted } from '../../access-requests/check-key.ts'
import { requestState } from '../../access-requests/request-state.ts'
import { domainOf, type AccessRequest } from '../../access-requests/request.ts'
import type { Client, ClientId } from '../../clients/client.ts'
import { linkState } from '../../delivery-links/link-state.ts'
import type { DeliveryLink } from '../../delivery-links/link.ts'
import type { AdminServices } from '../services.ts'
import { optionalSeconds } from '../shapes.ts'

/**
 * A request as the contract spells it, with what is known here of what it claims. A link that was just made for it is not read again: the answer that shows it once must not
 * be lost to a database that goes away after the change.
 */
export async function requestRecord(
  services: AdminServices,
  request: AccessRequest,
  made?: DeliveryLink,
): Promise<AccessRequestRecord> {
  const now = services.clock.now()
  const { form, decision, submittedAt = request.createdAt } = request
  const state = requestState(request, now)
  if (state === 'unconfirmed') throw new Error(`${request.id} is not confirmed: the team does not see it`)
  const link = made ?? (decision?.linkId === undefined ? undefined : await services.links.find(decision.linkId))
  const named = form.client_id === undefined ? undefined : await findNamed(services, form.client_id)
  const pasted = await readPasted(form, now)
  const catalogue = services.requests.catalogue()
  return {
    id: request.id,
    state,
    revision: request.revision,
    organisation: form.organisation,
    contact_name: form.contact_name,
    contact_address: form.contact_address,
    contact_domain: domainOf(form.contact_address),
    application_name: form.application_name,
    application_kind: form.application_kind,
    purpose: form.purpose,
    environment: form.environment,
    client: form.client_id === undefined ? undefined : clientRecord(form.client_id, named, form.contact_address),
    scopes: form.scopes.map(({ scope, why }) => {
      const approved = decision?.approved.find((one) => one.scope === scope)
      return {
        scope,
        description: askableScope(catalogue, scope)?.description ?? '',
        why,
        decision: approved !== undefined ? 'approved' : decision === undefined ? 'pending' : 'refused',
        ends_at: optionalSeconds(approved?.endsAt),
      }
    }),
    source_addresses: form.source_addresses,
    authentication: decision?.authentication ?? named?.authentication ?? form.authentication,
    key_fingerprint: pasted?.ok === true ? pasted.value.fingerprint : undefined,
    messages: request.messages.map(({ at, from, actor, text }) => ({ at: toSeconds(at), from, actor, text })),
    approvals: request.approvals.map(({ actor, at, scopes }) => ({
      actor,
      at: toSeconds(at),
      scopes: scopes.map(({ scope }) => scope),
    })),
    approvals_needed: services.requests.approvals,
    invitation_id: request.invitationId,
    submitted_at: toSeconds(submittedAt),
    expires_at: decision === undefined ? toSeconds(request.expiresAt) : undefined,
    decided_at: optionalSeconds(decision?.at),
    decided_by: decision?.actor,
    reason: decision?.reason,
    client_id: decision?.clientId,
    link_id: decision?.linkId,
    delivery: link && linkState(link, now satisfies EpochMs),
  }
}

async function findNamed({ clients }: AdminServices, clientId: string): Promise<Client | undefined> {
  const client = (await clients.find(clientId as ClientId))?.client
  return client?.kind === 'client' ? client : undefined
}

/** What a stranger says of a client is no proof that it is his: reviewers see whose it is. */
function clientRecord(
  clientId: string,
  known: Client | undefined,
  contactAddress: string,
): NonNullable<AccessRequestRecord['client']> {
  return {
    client_id: clientId,
    name: known?.name,
    contact_address: known?.contactAddress,
    same_contact: known?.contactAddress?.toLowerCase() === contactAddress.toLowerCase(),
  }
}
