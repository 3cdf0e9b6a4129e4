import { networkClaim, resourceServerOf, parseScope, type AccessTokenClaims } from '@latchkey/protocol'
import type { CompiledClient } from '../clients/compiled-client.ts'
import type { Endpoint, HttpResponse } from '../http/exchange.ts'
import { answerAuthenticated, type AuthenticatedEndpointContext } from '../token-endpoint/authenticated-endpoint.ts'
import { refuseAddress } from '../token-endpoint/caller-address.ts'
import { oauthHeaders } from '../token-endpoint/respond.ts'
import type { Catalogue } from '../resource-servers/catalogue.ts'
import type { TokenInspector } from '../tokens/inspect.ts'

export interface IntrospectionContext extends AuthenticatedEndpointContext {
  readonly inspector: TokenInspector
  readonly catalogue: () => Catalogue
}

/** Everything that a caller may not know looks like this (RFC 7662 §2.2). */
const inactive: HttpResponse = { status: 200, headers: oauthHeaders, body: '{"active":false}' }

/**
 * `POST /oauth2/introspect` (RFC 7662). A client may ask about its own tokens, a resource server about those meant for it, and is shown only its
 * own scopes; a client whose policy covers the token endpoint has to ask from where it may. Everything else is exactly `{"active":false}`. `token_type_hint` is ignored: there is one type.
 */
export function introspectionEndpoint(context: IntrospectionContext): Endpoint {
  return (request) =>
    answerAuthenticated(context, request, 'introspection.denied', async (caller, token) => {
      const elsewhere = refuseAddress(caller.client, request, context.clock.now())
      if (elsewhere !== undefined) return elsewhere
      const result = await context.inspector.inspect(token)
      if (!result.ok) return inactive
      const visible = visibleScope(context.catalogue(), caller.client, result.value.claims)
      if (visible === undefined) return inactive
      const { iss, sub, client_id, aud, iat, exp, jti, cnf } = result.value.claims
      const body = {
        active: true,
        scope: visible,
        client_id,
        token_type: 'Bearer',
        iss,
        sub,
        aud,
        iat,
        exp,
        jti,
        // Where it may be used, and with what, is for whoever asks to hold it to: it is not seen from here.
        cnf,
        [networkClaim]: result.value.claims[networkClaim],
      }
      return { status: 200, headers: oauthHeaders, body: JSON.stringify(body) }
    })
}

/** The scopes that this caller may see; `undefined` when the token is none of its business. */
function visibleScope(catalogue: Catalogue, caller: CompiledClient, claims: AccessTokenClaims): string | undefined {
  if (caller.kind === 'client') return claims.client_id === caller.clientId ? claims.scope : undefined
  const server = catalogue.byName.get(caller.resourceServer ?? '')
  if (server === undefined || ![claims.aud].flat().includes(server.audience)) return undefined
  const own = (parseScope(claims.scope) ?? []).filter((scope) => resourceServerOf(scope) === server.name)
  return own.join(' ')
}
