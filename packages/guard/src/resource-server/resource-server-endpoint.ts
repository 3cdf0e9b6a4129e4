import type { DocumentFailure } from '../issuer/document-failure.ts'
import { fetchDocument, type FetchedDocument } from '../issuer/fetch-document.ts'
import { basicAuthorization, type IssuerCredential } from './issuer-credential.ts'

export interface ResourceServerEndpointSettings {
  readonly url: string
  /** Undefined: nothing can be asked. */
  readonly credential: IssuerCredential | undefined
  readonly fetch: typeof globalThis.fetch
  readonly timeoutMs: number
  readonly maxResponseBytes: number
}

/** What this API asks of itself at the issuer, with its credential: `GET /oauth2/resource-server`. */
export class ResourceServerEndpoint {
  readonly #settings: ResourceServerEndpointSettings

  constructor(settings: ResourceServerEndpointSettings) {
    this.#settings = settings
  }

  get url(): string {
    return this.#settings.url
  }

  get canAsk(): boolean {
    return this.#settings.credential !== undefined
  }

  /** Its endpoint rules. Never rejects. */
  rules(etag: string | undefined): Promise<FetchedDocument> {
    return this.#ask(this.#settings.url, etag)
  }

  /** One network policy. Never rejects; an answer of 404 is a failure with that status. */
  policy(id: string): Promise<FetchedDocument> {
    const url = new URL(this.#settings.url)
    url.searchParams.set('policy', id)
    return this.#ask(url.href, undefined)
  }

  async #ask(url: string, etag: string | undefined): Promise<FetchedDocument> {
    const { credential, fetch, timeoutMs, maxResponseBytes } = this.#settings
    const failed = (reason: DocumentFailure['reason']): FetchedDocument => ({
      outcome: 'failed',
      failure: { url, reason },
    })
    if (credential === undefined) return failed('credential')
    let authorization: string
    try {
      authorization = await basicAuthorization(credential)
    } catch {
      return failed('credential')
    }
    const signal = AbortSignal.timeout(timeoutMs)
    return fetchDocument(url, { fetch, signal, maxResponseBytes, etag, authorization })
  }
}
