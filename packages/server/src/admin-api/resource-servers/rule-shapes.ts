import type { EndpointRule } from '@latchkey/admin-contract'
import type { ResourceServerRule } from '../../resource-servers/endpoint-rules.ts'

/** An endpoint rule as the contract and files spell it. */
export function ruleShape({ endpoint, scopes, allowedIp, certificate }: ResourceServerRule): EndpointRule {
  return {
    endpoint,
    scopes: [...scopes],
    ...(allowedIp ? { allowed_ip: true } : {}),
    ...(certificate ? { certificate: true } : {}),
  }
}

/** The inverse of {@link ruleShape}, for what was not read yet. */
export function writtenRule({ endpoint, scopes, allowed_ip, certificate }: EndpointRule): ResourceServerRule {
  return { endpoint, scopes, allowedIp: allowed_ip ?? false, certificate: certificate ?? false }
}
