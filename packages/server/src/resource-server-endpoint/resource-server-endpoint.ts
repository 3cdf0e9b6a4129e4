import { createHash } from 'node:crypto'
import { resourceServerOf, type NetworkPolicyDocument, type ResourceServerDocument } from '@latchkey/protocol'
import type { Endpoint, HttpRequest, HttpResponse } from '../http/exchange.ts'
import { matchesEntityTag } from '../http/entity-tag.ts'
import { problem } from '../http/problem.ts'
import { compileNetwork, restrictionAt } from '../network-policy/compile-network.ts'
import { versionAt, type NetworkPolicyId } from '../network-policy/network-policy.ts'
import type { NetworkPolicyReads } from '../network-policy/ports.ts'
import type { Catalogue } from '../resource-servers/catalogue.ts'
import { qualifiedScopes } from '../resource-servers/endpoint-rules.ts'
import type { ResourceServer } from '../resource-servers/resource-server.ts'
import { answerQuestion, type AuthenticatedEndpointContext } from '../token-endpoint/authenticated-endpoint.ts'

export interface ResourceServerEndpointContext extends AuthenticatedEndpointContext {
  readonly catalogue: () => Catalogue
  readonly policies: NetworkPolicyReads
}

/**
 * `GET /oauth2/resource-server`, for a resource server's credential: its endpoint rules, and with `?policy=ID` the network policy of a client as it means for
 * this API. Both with an ETag (RFC 9110 §13.1.2).
 */
export function resourceServerEndpoint(context: ResourceServerEndpointContext): Endpoint {
  return (request) =>
    answerQuestion(context, request, 'resource_server.denied', async ({ client }, query) => {
      const server = context.catalogue().byName.get(client.resourceServer ?? '')
      if (client.kind !== 'resource-server' || server === undefined) return { reason: 'client.is_no_resource_server' }
      const policy = query.get('policy')
      if (policy === undefined) return answerDocument(request, documentOf(server))
      const found = await findPolicy(context, server, policy)
      if (found !== undefined) return answerDocument(request, found)
      return problem(404, 'Not found', 'no client of this API has such a network policy')
    })
}

function documentOf({ name, audience, endpointRules, endpointRulesVersion }: ResourceServer): ResourceServerDocument {
  return {
    resource_server: name,
    audience,
    endpoint_rules: endpointRules.map((rule) => ({
      endpoint: rule.endpoint,
      scopes: qualifiedScopes(name, rule),
      ...(rule.allowedIp ? { allowed_ip: true } : {}),
      ...(rule.certificate ? { certificate: true } : {}),
    })),
    version: endpointRulesVersion,
  }
}

/** Of a client that is granted nothing here it is none of this API's business. */
async function findPolicy(
  { policies, clock }: ResourceServerEndpointContext,
  { name }: ResourceServer,
  id: string,
): Promise<NetworkPolicyDocument | undefined> {
  if (!/^[a-z0-9]{24}$/.test(id)) return undefined
  const found = await policies.find(id as NetworkPolicyId)
  if (found?.scopes.some((scope) => resourceServerOf(scope) === name) !== true) return undefined
  const now = clock.now()
  const { policy } = found
  return {
    id: policy.id,
    version: versionAt(policy, now),
    restriction: restrictionAt(compileNetwork(policy), name, now),
  }
}

/** Kept by the caller alone, and asked for again each time. */
function answerDocument(request: HttpRequest, document: ResourceServerDocument | NetworkPolicyDocument): HttpResponse {
  const body = JSON.stringify(document)
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  const headers = ['Cache-Control', 'private, no-cache', 'X-Content-Type-Options', 'nosniff', 'ETag', etag]
  if (matchesEntityTag(request.headers['if-none-match'], etag)) return { status: 304, headers, body: '' }
  return { status: 200, headers: [...headers, 'Content-Type', 'application/json'], body }
}
