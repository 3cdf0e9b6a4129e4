import type { Change } from '../audit/change.ts'
import type { Endpoint, HttpResponse } from '../http/exchange.ts'
import { answerAuthenticated, type AuthenticatedEndpointContext } from '../token-endpoint/authenticated-endpoint.ts'
import { oauthHeaders } from '../token-endpoint/respond.ts'
import type { TokenInspector } from '../tokens/inspect.ts'
import type { OwnRevocationWrites } from '../tokens/ports.ts'
import { revokeOwnToken } from '../tokens/revoke.ts'

export interface RevocationContext extends AuthenticatedEndpointContext {
  readonly inspector: TokenInspector
  readonly change: Change<{ readonly revocations: OwnRevocationWrites }>
}

const doneAlready: HttpResponse = { status: 200, headers: oauthHeaders, body: '' }

/**
 * `POST /oauth2/revoke` (RFC 7009). Signature and expiry come before anything is stored: a string that is not a token in force is answered with
 * 200 (§2.2) and leaves nothing behind. A client may revoke its own tokens only, and a thousand of them at a time. When the revocation cannot be stored, or
 * is one too many, the answer is 503: the token lives on (§2.2.1). From any address: what ends access does not wait for the right place.
 */
export function revocationEndpoint(context: RevocationContext): Endpoint {
  return (request) =>
    answerAuthenticated(context, request, 'revocation.denied', async (caller, token) => {
      const read = await context.inspector.read(token)
      if (!read.ok) return doneAlready
      const { clientId } = caller.client
      if (read.value.claims.client_id !== clientId) return { reason: 'token.of_another_client' }
      // What has ended already is not ended again: a repeated call leaves nothing behind.
      if (!(await context.inspector.inspect(token)).ok) return doneAlready
      const changeContext = { actor: clientId, requestId: request.id, now: context.clock.now() }
      const revoked = await revokeOwnToken(context.change, changeContext, read.value)
      return revoked.ok ? doneAlready : { reason: revoked.refusal }
    })
}
