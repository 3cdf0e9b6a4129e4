import {
  acknowledgeInput,
  claimInput,
  disownInput,
  linkStatusInput,
  type ClaimedCredential,
  type Disowned,
  type LinkStatus,
} from '@latchkey/portal-contract'
import { pagePaths, toSeconds } from '@latchkey/protocol'
import type { FastifyInstance } from 'fastify'
import type { ChangeContext } from '../../audit/change.ts'
import { acknowledgeLink } from '../../delivery-links/acknowledge-link.ts'
import { claimLink, proveLink } from '../../delivery-links/claim-link.ts'
import { disownLink } from '../../delivery-links/disown-link.ts'
import type { LinkId } from '../../delivery-links/link.ts'
import type { Result } from '../../kernel/result.ts'
import type { LinkRefusal } from '../../delivery-links/refusal.ts'
import { post, type PortalRequest } from '../post.ts'
import { PortalError } from '../portal-error.ts'
import type { PortalServices } from '../services.ts'
import { linkShape } from './link-shape.ts'
import { refusalTexts } from './refusal-texts.ts'

/** Under which name the audit log keeps what somebody with a link did. */
const actor = 'portal'

/** `POST /claim/{id}` and what belongs to it. Every key travels in a body; GET, HEAD and OPTIONS spend nothing, because nothing listens to them. */
export function mountClaim(app: FastifyInstance, services: PortalServices): void {
  const { clock, links, change, maker, notifier, issuer, tokenEndpoint } = services
  const desk = { reads: links, change, maker, notifier }
  const contextOf = ({ requestId }: PortalRequest<unknown>): ChangeContext => ({ actor, requestId, now: clock.now() })
  const base = `${pagePaths.claim}/:id`

  post(app, base, claimInput, async (request): Promise<ClaimedCredential> => {
    const { input, address } = request
    const id = request.id as LinkId
    const claimed = orThrow(
      await claimLink(desk, contextOf(request), { id, key: input.key, code: input.code, address }),
    )
    return {
      issuer,
      token_endpoint: tokenEndpoint,
      client_id: claimed.clientId,
      client_name: claimed.clientName,
      client_secret: claimed.clientSecret,
      scopes: [...claimed.scopes],
      ...(claimed.expiresAt === undefined ? {} : { expires_at: toSeconds(claimed.expiresAt) }),
      receipt: claimed.receipt,
      confirm_by: toSeconds(claimed.confirmBy),
    }
  })

  post(app, `${base}/status`, linkStatusInput, async ({ id, input }): Promise<LinkStatus> =>
    linkShape(orThrow(await proveLink(links, id as LinkId, input.key)), clock.now()),
  )

  post(app, `${base}/acknowledge`, acknowledgeInput, async (request): Promise<LinkStatus> => {
    const { key, receipt } = request.input
    const link = orThrow(await acknowledgeLink(desk, contextOf(request), request.id as LinkId, key, receipt))
    return linkShape(link, clock.now())
  })

  post(app, `${base}/disown`, disownInput, async (request): Promise<Disowned> => {
    const { id, input, address } = request
    const { link, revoked } = orThrow(await disownLink(desk, contextOf(request), id as LinkId, input.key, address))
    return { revoked, status: linkShape(link, clock.now()) }
  })
}

function orThrow<T>(result: Result<T, LinkRefusal>): T {
  if (result.ok) return result.value
  throw new PortalError(result.refusal, { detail: refusalTexts[result.refusal] })
}
