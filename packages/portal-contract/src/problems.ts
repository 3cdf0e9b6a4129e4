import { z } from 'zod'

/** Why a public page's request was not done, with its status. */
export const portalProblems = {
  /** No such link, or not its key: nobody without the key learns which. */
  'link.unknown': { status: 404, title: 'There is no such link.' },
  'link.expired': { status: 410, title: 'The link has expired.' },
  'link.revoked': { status: 410, title: 'The link was revoked.' },
  'link.claimed': { status: 409, title: 'The credential was shown already, to whoever came first.' },
  'link.undelivered': { status: 410, title: 'Nobody confirmed or used the credential, so it was revoked.' },
  'link.disowned': { status: 410, title: 'Somebody said that the claim was not theirs; the credential was revoked.' },
  'link.code_needed': { status: 422, title: 'The link needs the code that came by another channel.' },
  'link.code_wrong': { status: 422, title: 'The code is not the right one.' },
  'link.locked': { status: 410, title: 'Too many wrong codes: the link is dead.' },
  'link.client_unavailable': { status: 409, title: 'The client is disabled or was removed.' },
  /** Only the visitor who was shown the credential can confirm that it arrived. */
  'link.receipt_wrong': { status: 422, title: 'The receipt is not the one of this claim.' },
  'link.not_claimed': { status: 409, title: 'Nobody has claimed the credential yet.' },
  /** The certificate of the link is issued for a key, which has to be named or asked for. */
  'link.key_needed': {
    status: 422,
    title: 'The link needs a signing request, or the certificate, that the claim brings.',
  },
  'link.key_unwanted': { status: 422, title: 'The link has its key already, or needs none.' },
  'link.key_unsuitable': { status: 422, title: 'The signing request, or the certificate, cannot be taken.' },
  'request.unknown': { status: 404, title: 'There is no such request, or the link is not its own.' },
  'request.stale': { status: 409, title: 'It was changed since it was read.' },
  'request.wrong_state': { status: 409, title: 'The request is not in a state in which this can be done.' },
  'portal.closed': { status: 403, title: 'This server takes no requests for access here.' },
  'portal.invitation_needed': { status: 403, title: 'This server takes requests for access by invitation only.' },
  'scope.unknown': { status: 422, title: 'There is no such scope to ask for.' },
  'limit.requests': { status: 429, title: 'Too many requests from this address.' },
  'limit.mail': { status: 429, title: 'Too many messages were sent to this address or its domain.' },
  'limit.queue': { status: 503, title: 'Too many requests wait for their address to be confirmed.' },
  'request.invalid': { status: 400, title: 'The request is not as it must be.' },
  'request.too_large': { status: 413, title: 'The request is too large.' },
  'request.unsupported_media_type': { status: 415, title: 'The body is not application/json.' },
  'route.unknown': { status: 404, title: 'Nothing is served at this path.' },
  'route.method_not_allowed': { status: 405, title: 'The method is not allowed here.' },
  'store.unavailable': { status: 503, title: 'The database is not reached at the moment.' },
  'server.fault': { status: 500, title: 'The server made a mistake.' },
} as const satisfies Readonly<Record<string, { readonly status: number; readonly title: string }>>

export type PortalReason = keyof typeof portalProblems

/** Every answer but a success: a problem document (RFC 9457), `application/problem+json`. */
export const portalProblem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  reason: z.string(),
  /** Set for `request.invalid`: everything that was wrong, the first 20; `field` is a dotted path. */
  errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  /** Set for `request.stale`. */
  revision: z.int().optional(),
  /** Set for the limits: seconds, as in `Retry-After`. */
  retry_after: z.int().optional(),
  request_id: z.string(),
})
export type PortalProblem = z.infer<typeof portalProblem>
