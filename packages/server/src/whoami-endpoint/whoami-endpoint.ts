import { toSeconds, type EpochMs } from '@latchkey/protocol'
import type { DigestStore } from '../audit/ports.ts'
import type { CompiledClient, CompiledCredential } from '../clients/compiled-client.ts'
import type { Endpoint } from '../http/exchange.ts'
import type { CompiledNetwork } from '../network-policy/compiled-network.ts'
import { evaluateNetwork } from '../network-policy/evaluate.ts'
import { entriesAt } from '../network-policy/network-policy.ts'
import type { AuthenticatedClient } from '../token-endpoint/authenticate/authenticated-client.ts'
import { answerQuestion, type AuthenticatedEndpointContext } from '../token-endpoint/authenticated-endpoint.ts'
import { oauthHeaders } from '../token-endpoint/respond.ts'

export interface WhoamiContext extends AuthenticatedEndpointContext {
  readonly digests: Pick<DigestStore, 'recentRefusals'>
}

/**
 * `GET /oauth2/whoami`: tells an authenticated caller what it is granted, from where it is seen to call and whether it may, which credential it used, and
 * what was refused lately. From any address: whoever is refused for where he is finds out here. Refusals of the last second may be missing.
 */
export function whoamiEndpoint(context: WhoamiContext): Endpoint {
  return (request) =>
    answerQuestion(context, request, 'whoami.denied', async (caller) => {
      const now = context.clock.now()
      const { client } = caller
      const body = {
        client_id: client.clientId,
        kind: client.kind,
        resource_server: client.resourceServer,
        scopes: [...client.grants.keys()].map((scope) => ({
          scope,
          ends_at: optionalSeconds(client.scopeEnds.get(scope)),
        })),
        credentials: caller.credentials.map((credential) => credentialShape(caller, credential)),
        address: addressShape(client, request.address, now),
        network_policy: client.network === undefined ? null : policyShape(client.network, now),
        recent_refusals: (await context.digests.recentRefusals(client.clientId)).map((refusal) => ({
          at: toSeconds(refusal.at),
          request_id: refusal.requestId,
          reason: refusal.reason,
          address: refusal.address,
        })),
      }
      return { status: 200, headers: oauthHeaders, body: JSON.stringify(body) }
    })
}

function credentialShape({ client, boundTo }: AuthenticatedClient, { id, expiresAt }: CompiledCredential) {
  const kind = client.secrets.has(id)
    ? 'secret'
    : client.certificates.has(boundTo ?? '')
      ? 'certificate'
      : 'registered-key'
  return { kind, id, ends_at: optionalSeconds(expiresAt) }
}

function addressShape({ network, grants }: CompiledClient, address: string, now: EpochMs) {
  const apis = [...new Set([...grants.values()].map(({ name }) => name))]
  return {
    seen: address === '' ? 'unknown' : address,
    token_endpoint: evaluateNetwork(network, address, { kind: 'token-endpoint' }, now),
    apis: apis.map((name) => ({
      name,
      verdict: evaluateNetwork(network, address, { kind: 'api', name, call: undefined }, now),
    })),
  }
}

/** Without the team's notes. */
function policyShape({ rules }: CompiledNetwork, now: EpochMs) {
  const { mode, covers } = rules
  return {
    mode,
    allow: entriesAt(rules, now).map(({ cidr, endsAt }) => ({ cidr, ends_at: optionalSeconds(endsAt) })),
    covers: covers && { token_endpoint: covers.tokenEndpoint, apis: covers.apis },
  }
}

function optionalSeconds(at: EpochMs | undefined): number | undefined {
  return at === undefined ? undefined : toSeconds(at)
}
