import type { ServerResponse } from 'node:http'
import type { Access } from '../access.ts'
import type { RefusalAnswer } from '../refusal-answer.ts'

/*
 * What a proxy learns. Every header is in every answer, empty where there is nothing to say: what a proxy copies from here replaces what its caller sent under the
 * same name, and a header that were left out would let that through.
 */

/** Lets the call pass, and says who calls. */
export function writePassage(response: ServerResponse, requestId: string, access: Access, isLast: boolean): void {
  const { clientId, scopes, claims, address } = access
  const headers = identity(
    requestId,
    clientId,
    [...scopes].join(' '),
    claims.jti,
    address ?? '',
    claims.cnf?.['x5t#S256'] ?? '',
  )
  headers.push('X-Latchkey-Code', '', 'X-Latchkey-Problem', '', 'Cache-Control', 'no-store', 'Content-Length', '0')
  if (isLast) headers.push('Connection', 'close')
  response.writeHead(200, headers).end()
}

/** Refuses. The problem document is in the body, for proxies that hand the answer on, and in a header, for those that write their own (nginx). */
export function writeDenial(response: ServerResponse, requestId: string, answer: RefusalAnswer, isLast: boolean): void {
  const { status, headers, body } = answer
  const { code = '' } = JSON.parse(body) as { readonly code?: string }
  response.writeHead(status, [
    ...identity(requestId, '', '', '', '', ''),
    'X-Latchkey-Code',
    code,
    'X-Latchkey-Problem',
    body,
    ...Object.entries(headers).flat(),
    'Content-Length',
    String(Buffer.byteLength(body)),
    ...(isLast ? ['Connection', 'close'] : []),
  ])
  response.end(body)
}

function identity(
  requestId: string,
  clientId: string,
  scopes: string,
  tokenId: string,
  address: string,
  certificate: string,
): string[] {
  return [
    'X-Request-Id',
    requestId,
    'X-Latchkey-Client-Id',
    clientId,
    'X-Latchkey-Scopes',
    scopes,
    'X-Latchkey-Token-Id',
    tokenId,
    'X-Latchkey-Address',
    address,
    'X-Latchkey-Certificate',
    certificate,
  ]
}
