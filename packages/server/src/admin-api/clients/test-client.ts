import { canonicalAddress } from '@latchkey/protocol/network'
import type { ClientId } from '../../clients/client.ts'
import { refuseChange, type ChangeRefusal } from '../../kernel/refusal.ts'
import { done, type Result } from '../../kernel/result.ts'
import type { NetworkVerdict } from '../../network-policy/compiled-network.ts'
import type { Operation } from '../operation.ts'
import type { CallQuestion } from '../services.ts'

/**
 * `POST /clients/{client_id}/test`: what a token request would come to, and a call of an API from an address. Refuses with `client.unknown`,
 * `client.is_resource_server`, `network.invalid`, `resource_server.unknown`.
 */
export const testClient: Operation<'clients', 'test'> = async ({ services }, { params, body }) => {
  const address = body?.address === undefined ? undefined : canonicalAddress(body.address)
  if (body?.address !== undefined && address === undefined) {
    return refuseChange('network.invalid', `${body.address} is not an IPv4 or IPv6 address`, 'address')
  }
  const call = readCall(body)
  if (!call.ok) return call
  if (call.value !== undefined && !services.requests.catalogue().byName.has(call.value.api)) {
    return refuseChange('resource_server.unknown', `there is no resource server ${call.value.api}`, 'api')
  }
  const preview = await services.tokens.preview({
    clientId: params.client_id as ClientId,
    scope: body?.scope,
    resources: body?.resource,
    address,
    call: call.value,
  })
  if (!preview.ok) return preview
  const { address: atTokenEndpoint, call: atApi, ...decision } = preview.value
  const place = {
    address:
      address === undefined || atTokenEndpoint === undefined
        ? undefined
        : { seen: address, verdict: atTokenEndpoint, explanation: explanations[atTokenEndpoint] },
    call:
      call.value === undefined || atApi === undefined
        ? undefined
        : { api: call.value.api, endpoint: body?.endpoint, verdict: atApi, explanation: explanations[atApi] },
  }
  if (!decision.granted) return done({ ...decision, ...place })
  const { scopes, audience, expiresInSeconds } = decision
  return done({ granted: true, scopes: [...scopes], audience: [...audience], expires_in: expiresInSeconds, ...place })
}

function readCall(
  body: {
    readonly address?: string | undefined
    readonly api?: string | undefined
    readonly endpoint?: string | undefined
  } = {},
): Result<CallQuestion | undefined, ChangeRefusal> {
  const { address, api, endpoint } = body
  if (api === undefined) {
    return endpoint === undefined
      ? done(undefined)
      : refuseChange('network.invalid', 'say which API the endpoint is of, with api', 'endpoint')
  }
  if (address === undefined)
    return refuseChange('network.invalid', 'say where the call comes from, with address', 'api')
  if (endpoint === undefined) return done({ api, endpoint: undefined })
  const [method = '', path = '', ...rest] = endpoint.trim().split(/ +/)
  return path.startsWith('/') && rest.length === 0
    ? done({ api, endpoint: { method, path: path.replace(/\?.*$/s, '') } })
    : refuseChange('network.invalid', 'write a method and a path, such as POST /configurations/7', 'endpoint')
}

const explanations: Readonly<Record<NetworkVerdict, string>> = {
  not_covered: 'no network policy of the client covers this: it may come from anywhere',
  allowed: 'the address is among those that are allowed',
  would_refuse: 'the address is not among those that are allowed; it passes, because the policy only reports',
  not_allowed: 'the address is not among those that are allowed',
}
