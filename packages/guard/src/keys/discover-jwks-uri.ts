import { authorizationServerMetadataUrl } from '@latchkey/protocol'
import { isSecureUrl } from '../secure-url.ts'
import { fetchDocument, type FetchDocumentOptions } from './fetch-document.ts'
import type { KeyFailure } from './key-failure.ts'

export type DiscoveredJwksUri =
  | { readonly ok: true; readonly jwksUri: string }
  | { readonly ok: false; readonly failure: KeyFailure }

/**
 * Finds the issuer's `jwks_uri` in its metadata (RFC 8414 §3.1), whose `issuer` has to be the very same string (§3.3).
 * Does not look at anything else that the metadata says.
 */
export async function discoverJwksUri(issuer: string, options: FetchDocumentOptions): Promise<DiscoveredJwksUri> {
  const url = authorizationServerMetadataUrl(issuer)
  const fetched = await fetchDocument(url, options)
  if (fetched.outcome === 'failed') return { ok: false, failure: fetched.failure }
  const metadata = fetched.outcome === 'document' ? (fetched.document as Record<string, unknown> | null) : null
  if (metadata?.['issuer'] !== issuer) return { ok: false, failure: { url, reason: 'metadata.issuer_mismatch' } }
  const jwksUri = metadata['jwks_uri']
  if (typeof jwksUri !== 'string' || !isSecureUrl(jwksUri)) {
    return { ok: false, failure: { url, reason: 'metadata.jwks_uri' } }
  }
  return { ok: true, jwksUri }
}
