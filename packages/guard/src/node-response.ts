import type { ServerResponse } from 'node:http'
import type { Guard } from './guard.ts'
import type { RefusalAnswer } from './refusal-answer.ts'

/** Serves the metadata of this API (RFC 9728 §3.2); for requests whose path is `guard.resourceMetadataPath`. Needs no token. */
export function serveResourceMetadata(guard: Guard, response: ServerResponse): void {
  response
    .writeHead(200, { 'content-type': 'application/json', 'cache-control': 'public, max-age=300' })
    .end(JSON.stringify(guard.resourceMetadata()))
}

export function writeRefusal(response: ServerResponse, { status, headers, body }: RefusalAnswer): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body)
}
