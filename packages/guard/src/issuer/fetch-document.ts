import type { DocumentFailure } from './document-failure.ts'

export interface FetchDocumentOptions {
  readonly fetch: typeof globalThis.fetch
  /** Ends the request and the reading of its answer. */
  readonly signal: AbortSignal
  readonly maxResponseBytes: number
  /** Sent as If-None-Match (RFC 9110 §13.1.2). */
  readonly etag?: string | undefined
  readonly authorization?: string | undefined
}

export type FetchedDocument =
  | { readonly outcome: 'document'; readonly document: unknown; readonly headers: Headers }
  | { readonly outcome: 'not_modified'; readonly headers: Headers }
  | { readonly outcome: 'failed'; readonly failure: DocumentFailure }

/**
 * Fetches a JSON document of the issuer. Never rejects: whatever goes wrong is a value. Follows no redirect, since one could lead from the issuer to
 * anybody, or from https to http. Does not look at the media type or into the document.
 */
export async function fetchDocument(url: string, options: FetchDocumentOptions): Promise<FetchedDocument> {
  const failed = (reason: DocumentFailure['reason'], status?: number): FetchedDocument => ({
    outcome: 'failed',
    failure: status === undefined ? { url, reason } : { url, reason, status },
  })
  try {
    const headers: Record<string, string> = { accept: 'application/json, application/jwk-set+json' }
    if (options.etag !== undefined) headers['if-none-match'] = options.etag
    if (options.authorization !== undefined) headers['authorization'] = options.authorization
    const response = await options.fetch(url, { headers, redirect: 'error', signal: options.signal })
    if (response.status === 304 && options.etag !== undefined) {
      return { outcome: 'not_modified', headers: response.headers }
    }
    if (response.status !== 200) {
      await response.body?.cancel()
      return failed('http_status', response.status)
    }
    const text = await readText(response, options.maxResponseBytes)
    if (text === undefined) return failed('too_large', response.status)
    const document = parseJson(text)
    if (document === undefined) return failed('not_json', response.status)
    return { outcome: 'document', document, headers: response.headers }
  } catch {
    return failed(options.signal.aborted ? 'timeout' : 'network')
  }
}

/** Reads at most `maxBytes`, counted after decompression; leaving the loop cancels the rest. */
async function readText(response: Response, maxBytes: number): Promise<string | undefined> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) return undefined
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

/** `undefined` for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
