import { fail, pass, type Step } from './step.ts'

/** `credentials` of RFC 6750 §2.1: the scheme, at least one space, a b64token. The scheme's letter case does not matter (RFC 9110 §11.1). */
const credentials = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i
/** A scheme and perhaps something after it (RFC 9110 §11.4). */
const anyScheme = /^([!#$%&'*+\-.^_`|~A-Za-z0-9]+)(?: .*)?$/

/**
 * Takes the token from the Authorization header (RFC 6750 §2.1), which is the only place that is looked at: never the body (§2.2) or the
 * query (§2.3). `maxTokenBytes` bounds the token. Does not look into the token.
 */
export function readBearerToken(authorization: readonly string[], maxTokenBytes: number): Step<string> {
  const [line] = authorization
  if (line === undefined) return fail('token.missing')
  // Which one would win depends on the proxies in front; so none does.
  if (authorization.length > 1) return fail('request.duplicate_authorization')
  const token = credentials.exec(line)?.[1]
  if (token !== undefined) return token.length > maxTokenBytes ? fail('token.too_large') : pass(token)
  const scheme = anyScheme.exec(line)?.[1]
  if (scheme === undefined || scheme.toLowerCase() === 'bearer') return fail('request.malformed_authorization')
  return fail('request.unsupported_scheme')
}
