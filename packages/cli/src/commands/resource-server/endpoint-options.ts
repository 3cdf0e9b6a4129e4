import type { EndpointRule } from '@latchkey/admin-contract'
import { misuse } from '../../failure.ts'

const allowedIp = 'allowed-ip'
const certificate = 'certificate'

/**
 * Reads `METHOD PATH=NEED,…`: scopes by their names, `allowed-ip`, `certificate`; nothing behind the sign is any token of the API. A scope that is called like one
 * of the two is written with its prefix. Throws a misuse that names the rule.
 */
export function readRule(text: string): EndpointRule {
  // No need holds the sign; a path may.
  const sign = text.lastIndexOf('=')
  if (sign === -1) {
    throw misuse(
      `--endpoint ${text}: it does not say what the call needs`,
      "write it as 'GET /status=' or 'POST /x/**=x.write'",
    )
  }
  const needs = text
    .slice(sign + 1)
    .split(',')
    .map((need) => need.trim())
    .filter((need) => need !== '')
  return {
    endpoint: text.slice(0, sign).trim(),
    scopes: needs.filter((need) => need !== allowedIp && need !== certificate),
    allowed_ip: needs.includes(allowedIp) || undefined,
    certificate: needs.includes(certificate) || undefined,
  }
}

/** The inverse, for people. */
export function ruleText({ endpoint, scopes, allowed_ip: ip, certificate: cert }: EndpointRule): string {
  const needs = [...scopes, ...(ip === true ? [allowedIp] : []), ...(cert === true ? [certificate] : [])]
  return `${endpoint} = ${needs.length === 0 ? '(any token of this API)' : needs.join(', ')}`
}
