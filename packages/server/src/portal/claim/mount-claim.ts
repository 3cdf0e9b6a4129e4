import {
  acknowledgeInput,
  claimInput,
  disownInput,
  linkStatusInput,
  type ClaimedCredential,
  type Disowned,
  type LinkStatus,
} from '@latchkey/portal-contract'
import { pagePaths } from '@latchkey/protocol'
import type { FastifyInstance } from 'fastify'
import type { ChangeContext } from '../../audit/change.ts'
import { acknowledgeLink } from '../../delivery-links/acknowledge-link.ts'
import { claimLink, proveLink, type ClaimRefusal } from '../../delivery-links/claim-link.ts'
import { disownLink } from '../../delivery-links/disown-link.ts'
import type { DeliveryLink, LinkId } from '../../delivery-links/link.ts'
import type { Result } from '../../kernel/result.ts'
import { shownAfterwards } from '../describe-failure.ts'
import { post, type PortalRequest } from '../post.ts'
import { PortalError } from '../portal-error.ts'
import type { PortalServices } from '../services.ts'
import { claimedShape } from './claimed-shape.ts'
import { linkShape } from './link-shape.ts'
import { refusalTexts } from './refusal-texts.ts'

/** Under which name the audit log keeps what somebody with a link did. */
const actor = 'portal'

/** `POST /claim/{id}` and what belongs to it. Every key travels in a body; GET, HEAD and OPTIONS spend nothing, because nothing listens to them. */
export function mountClaim(app: FastifyInstance, services: PortalServices): void {
  const { clock, links, clients, change, maker, notifier, issuer } = services
  const desk = { reads: links, change, maker: { ...maker, issuer }, notifier }
  const contextOf = ({ requestId }: PortalRequest<unknown>): ChangeContext => ({ actor, requestId, now: clock.now() })
  const show = async (link: DeliveryLink): Promise<LinkStatus> => {
    const record = await clients.find(link.clientId)
    return linkShape(link, record?.client.authentication ?? 'secret', clock.now())
  }
  const base = `${pagePaths.claim}/:id`

  post(app, base, claimInput, async (request): Promise<ClaimedCredential> => {
    const { input, address } = request
    const id = request.id as LinkId
    const { key, code, csr, make_key: makesKey, certificate } = input
    const brought = { csr, makesKey, certificate }
    const claimed = orThrow(await claimLink(desk, contextOf(request), { id, key, code, brought, address }))
    return claimedShape(services, claimed)
  })

  post(app, `${base}/status`, linkStatusInput, async ({ id, input }): Promise<LinkStatus> =>
    show(orThrow(await proveLink(links, id as LinkId, input.key))),
  )

  post(app, `${base}/acknowledge`, acknowledgeInput, async (request): Promise<LinkStatus> => {
    const { key, receipt } = request.input
    const link = orThrow(await acknowledgeLink(desk, contextOf(request), request.id as LinkId, key, receipt))
    return shownAfterwards(show(link))
  })

  post(app, `${base}/disown`, disownInput, async (request): Promise<Disowned> => {
    const { id, input, address } = request
    const { link, revoked } = orThrow(await disownLink(desk, contextOf(request), id as LinkId, input.key, address))
    return { revoked, status: await shownAfterwards(show(link)) }
  })
}

function orThrow<T>(result: Result<T, ClaimRefusal>): T {
  if (result.ok) return result.value
  const { refusal } = result
  if (typeof refusal === 'string') throw new PortalError(refusal, { detail: refusalTexts[refusal] })
  throw new PortalError(refusal.reason, { detail: refusal.message ?? refusalTexts[refusal.reason] })
}
