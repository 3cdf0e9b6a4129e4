import { authorizationServerMetadataUrl } from '@latchkey/protocol'
import { isSecureUrl } from '../secure-url.ts'
import type { DocumentFailure } from './document-failure.ts'
import { fetchDocument, type FetchDocumentOptions } from './fetch-document.ts'

/** Members of the metadata that name a document for verifiers, and how one that is unusable is reported. */
const endpointMembers = {
  jwks_uri: 'metadata.jwks_uri',
  lk_revocations_uri: 'metadata.revocations_uri',
} as const

export type IssuerEndpoint = keyof typeof endpointMembers

export type FoundEndpoint =
  | { readonly ok: true; readonly url: string }
  | { readonly ok: false; readonly failure: DocumentFailure }

type Metadata =
  | { readonly ok: true; readonly url: string; readonly members: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly failure: DocumentFailure }

/**
 * Where the issuer's documents are: as the API was told, else as the issuer's metadata says (RFC 8414 §3.1), whose `issuer` has to be the very same
 * string (§3.3). Metadata is asked for once, by one request at a time, until {@link IssuerEndpoints.forget}.
 */
export class IssuerEndpoints {
  readonly #issuer: string
  readonly #given: Readonly<Partial<Record<IssuerEndpoint, string | undefined>>>
  #metadata: Promise<Metadata> | undefined

  constructor(issuer: string, given: Readonly<Partial<Record<IssuerEndpoint, string | undefined>>>) {
    this.#issuer = issuer
    this.#given = given
  }

  async find(endpoint: IssuerEndpoint, options: FetchDocumentOptions): Promise<FoundEndpoint> {
    const given = this.#given[endpoint]
    if (given !== undefined) return { ok: true, url: given }
    const metadata = await this.#read(options)
    if (!metadata.ok) return metadata
    const url = metadata.members[endpoint]
    if (typeof url === 'string' && isSecureUrl(url)) return { ok: true, url }
    return { ok: false, failure: { url: metadata.url, reason: endpointMembers[endpoint] } }
  }

  /** The documents may have moved: the next search asks the issuer again. */
  forget(): void {
    this.#metadata = undefined
  }

  #read(options: FetchDocumentOptions): Promise<Metadata> {
    if (this.#metadata !== undefined) return this.#metadata
    const reading = readMetadata(this.#issuer, options).then((metadata) => {
      if (!metadata.ok && this.#metadata === reading) this.#metadata = undefined
      return metadata
    })
    this.#metadata = reading
    return reading
  }
}

async function readMetadata(issuer: string, options: FetchDocumentOptions): Promise<Metadata> {
  const url = authorizationServerMetadataUrl(issuer)
  const fetched = await fetchDocument(url, options)
  if (fetched.outcome === 'failed') return { ok: false, failure: fetched.failure }
  const members = fetched.outcome === 'document' ? (fetched.document as Record<string, unknown> | null) : null
  if (members?.['issuer'] !== issuer) return { ok: false, failure: { url, reason: 'metadata.issuer_mismatch' } }
  return { ok: true, url, members }
}
