import { z } from 'zod'
import * as field from './fields.ts'
import { networkChange } from './network.ts'
import { operation, pageOf } from './operation.ts'
import { adminRoutes } from './routes.ts'

const routes = adminRoutes.requests

/** What the team sees: nothing before the contact's address is confirmed. */
const requestState = z.enum([
  'submitted',
  'changes_requested',
  'approved',
  'partly_approved',
  'rejected',
  'withdrawn',
  'expired',
])

/** A request for access, as reviewers see it. */
const accessRequest = z.strictObject({
  id: z.string(),
  state: requestState,
  /** A decision names the one that was looked at. */
  revision: z.int(),
  /** Claimed, and proven by nobody; the contact's address and domain are. */
  organisation: z.string(),
  contact_name: z.string(),
  contact_address: z.string(),
  contact_domain: z.string(),
  application_name: z.string(),
  application_kind: z.string(),
  purpose: z.string(),
  environment: z.string(),
  /** The client whose access is to become wider, with what is known of it; absent: a new one. */
  client: z
    .strictObject({
      client_id: z.string(),
      /** Absent: there is no such client. */
      name: z.string().optional(),
      contact_address: z.string().optional(),
      /** Whether its contact is the one who asks. */
      same_contact: z.boolean(),
    })
    .optional(),
  scopes: z.array(
    z.strictObject({
      scope: z.string(),
      description: z.string(),
      why: z.string().optional(),
      decision: z.enum(['pending', 'approved', 'refused']),
      ends_at: field.epochSeconds.optional(),
    }),
  ),
  /** Where the client will be able to call from, unless the approval says otherwise. */
  source_addresses: z.array(z.string()),
  /** How the program wants to prove who it is; once decided, and for a client that there is, how it does. */
  authentication: field.authentication,
  /** SHA-256 of the key of the signing request or certificate that came with it (SubjectPublicKeyInfo), hexadecimal. */
  key_fingerprint: z.string().optional(),
  messages: z.array(
    z.strictObject({
      at: field.epochSeconds,
      from: z.enum(['team', 'requester']),
      actor: z.string().optional(),
      text: z.string(),
    }),
  ),
  /** Who has approved it as it is now; under the four-eyes rule one is not enough. */
  approvals: z.array(z.strictObject({ actor: z.string(), at: field.epochSeconds, scopes: z.array(z.string()) })),
  approvals_needed: z.int(),
  invitation_id: z.string().optional(),
  submitted_at: field.epochSeconds,
  expires_at: field.epochSeconds.optional(),
  decided_at: field.epochSeconds.optional(),
  decided_by: z.string().optional(),
  reason: z.string().optional(),
  /** The client that was made, or whose access became wider. */
  client_id: z.string().optional(),
  link_id: z.string().optional(),
  /** How far its delivery link is. */
  delivery: z.string().optional(),
})
export type AccessRequestRecord = z.infer<typeof accessRequest>

const invitation = z.strictObject({
  id: z.string(),
  note: z.string().optional(),
  state: z.enum(['open', 'used', 'expired', 'revoked']),
  uses: z.int(),
  max_uses: z.int().optional(),
  created_at: field.epochSeconds,
  created_by: z.string(),
  expires_at: field.epochSeconds,
})
export type InvitationRecord = z.infer<typeof invitation>

const params = z.strictObject({ id: field.requestId })
const text = (max: number) => field.longText.min(1).max(max).regex(/\S/, 'not only spaces')

export const requests = {
  list: operation(routes.list, {
    tags: ['access requests'],
    summary: 'List access requests, oldest first',
    description: 'Only those whose contact has confirmed the address.',
  })
    .input(
      z.strictObject({
        query: z.strictObject({ ...field.pageInput.shape, state: requestState.optional() }).optional(),
      }),
    )
    .output(pageOf(accessRequest)),
  get: operation(routes.get, { tags: ['access requests'], summary: 'Show an access request' })
    .input(z.strictObject({ params }))
    .output(accessRequest),
  approve: operation(routes.approve, {
    tags: ['access requests'],
    summary: 'Approve an access request, or a part of it',
    description:
      'Makes the client, or widens the access of the one that the request names, and one delivery link, in one change. Where two people have to approve, the first is noted.',
  })
    .input(
      z.strictObject({
        params,
        body: z.strictObject({
          /** The one that was looked at. */
          revision: field.revision,
          /** A part of what is asked for; absent: all of it, without end. */
          scopes: z
            .array(z.strictObject({ scope: field.scope, ends_at: field.endSeconds.optional() }))
            .min(1)
            .max(100)
            .optional(),
          /** Told to the requester. */
          reason: text(2000).optional(),
          /** How the new client proves who it is; absent: as it is asked for. */
          authentication: field.authentication.optional(),
          /**
           * Where the client may call from: absent, the addresses that the request names, enforced at the token endpoint and every API; null, they are left out. What is
           * absent in it comes from the request, and for a client that there is from its policy; then it has to be said.
           */
          network: networkChange.nullable().optional(),
          /** Answer with the delivery link also where it was mailed. */
          show_link: z.boolean().optional(),
        }),
      }),
    )
    .output(
      z.strictObject({
        request: accessRequest,
        /** How many more people have to approve. */
        waiting_for: z.int(),
        /** Set where it was not mailed, or was asked for. */
        delivery_link: z.string().optional(),
        link_expires_at: field.epochSeconds.optional(),
        mailed_to: z.string().optional(),
      }),
    ),
  ask: operation(routes.ask, { tags: ['access requests'], summary: 'Ask the requester something, or for changes' })
    .input(z.strictObject({ params, body: z.strictObject({ revision: field.revision, message: text(4000) }) }))
    .output(accessRequest),
  reject: operation(routes.reject, { tags: ['access requests'], summary: 'Reject an access request' })
    .input(z.strictObject({ params, body: z.strictObject({ revision: field.revision, reason: text(2000) }) }))
    .output(accessRequest),
}

export const invitations = {
  create: operation(adminRoutes.invitations.create, {
    tags: ['access requests'],
    summary: 'Invite somebody to ask for access',
    description: 'The link is answered once.',
  })
    .input(
      z.strictObject({
        body: z
          .strictObject({
            /** At least a minute, at most a year; two weeks when absent. */
            expires_in: z.int().min(60).max(31_536_000).optional(),
            /** For the team: whom it is for. */
            note: field.displayName.optional(),
            max_uses: z.int().min(1).max(1000).optional(),
          })
          .optional(),
      }),
    )
    .output(z.strictObject({ ...invitation.shape, invitation_link: z.string() })),
  list: operation(adminRoutes.invitations.list, {
    tags: ['access requests'],
    summary: 'List invitations, newest first',
  })
    .input(z.strictObject({ query: field.pageInput.optional() }))
    .output(pageOf(invitation)),
  revoke: operation(adminRoutes.invitations.revoke, { tags: ['access requests'], summary: 'End an invitation' })
    .input(z.strictObject({ params: z.strictObject({ id: field.invitationId }) }))
    .output(invitation),
}
