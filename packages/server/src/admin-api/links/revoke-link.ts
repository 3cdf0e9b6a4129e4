import type { LinkId } from '../../delivery-links/link.ts'
import * as links from '../../delivery-links/revoke-link.ts'
import { done } from '../../kernel/result.ts'
import { changeContext, type Operation } from '../operation.ts'
import { linkRecord } from './link-record.ts'

/** `POST /links/{id}/revoke`. Refuses with `link.unknown`, `link.delivered`. */
export const revokeLink: Operation<'links', 'revoke'> = async (context, { params }) => {
  const at = changeContext(context)
  const revoked = await links.revokeLink(context.services.change, at, params.id as LinkId)
  return revoked.ok ? done(linkRecord(revoked.value, at.now)) : revoked
}
