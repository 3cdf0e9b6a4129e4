import { formatChallenge } from '@latchkey/protocol'
import { refusalTable, type PublicRefusal, type Refusal } from './refusal.ts'

/** A complete HTTP answer, for whatever server stands in front. */
export interface RefusalAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Reason phrases (RFC 9110 §15); not from node:http, which not every fetch runtime has. */
const titles: Readonly<Record<PublicRefusal['status'], string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

/**
 * Writes the answer to a refusal: a challenge (RFC 6750 §3) that points to the resource metadata (RFC 9728 §5.1), and a problem document
 * (RFC 9457) whose `code` is for programs. Says of the reason only what the refusal table makes public.
 */
export function writeRefusalAnswer(refusal: Refusal, resourceMetadataUrl: string | undefined): RefusalAnswer {
  const { status, error, code, description } = refusalTable[refusal.reason]
  const { address } = refusal
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  }
  if (status === 401 || error !== undefined) {
    // A rejected token lacks no scope; naming one there would send the client looking for the wrong thing.
    const namesScope = error === undefined || error === 'insufficient_scope'
    headers['www-authenticate'] = formatChallenge('Bearer', {
      error,
      error_description: error && description,
      scope: namesScope && refusal.requiredScopes.length > 0 ? refusal.requiredScopes.join(' ') : undefined,
      resource_metadata: resourceMetadataUrl,
    })
  }
  if (refusal.retryAfterSeconds !== undefined) headers['retry-after'] = String(Math.ceil(refusal.retryAfterSeconds))
  const detail = address === undefined ? description : `${description} It is seen as ${address}.`
  const problem = { title: titles[status], status, detail, code, ...(address !== undefined && { address }) }
  return { status, headers, body: JSON.stringify(problem) }
}
