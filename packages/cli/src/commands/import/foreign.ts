/** What another server's export says of machines, in its own words: an API, by whatever its scopes are tied to. */
export interface ForeignApi {
  /** Auth0's audience, Cognito's identifier. */
  readonly identifier: string
  /** For people. */
  readonly title: string
  readonly tokenTtlSeconds: number | undefined
  readonly scopes: readonly { readonly name: string; readonly description: string }[]
}

export interface ForeignClient {
  readonly clientId: string
  readonly name: string
  readonly tokenTtlSeconds: number | undefined
  readonly grants: readonly { readonly api: string; readonly scope: string }[]
  /** How it authenticates, where that is not by a secret. */
  readonly authentication: string | undefined
}

/** Something that the operator has to know: what does not move, or moves changed. Never quotes a secret. */
export interface Note {
  readonly about: string
  readonly message: string
}

export interface ForeignExport {
  readonly apis: readonly ForeignApi[]
  readonly clients: readonly ForeignClient[]
  readonly notes: readonly Note[]
}
