import type { AccessTokenClaims, credentialsClaim, CredentialGenerations } from '@latchkey/protocol'

/** The claims of a verified token that an API may rely on. `scope` holds only this API's own scopes. */
export type VerifiedClaims = Omit<AccessTokenClaims, typeof credentialsClaim>

/** What a verified token allows at this API. */
export interface Access {
  /** The program that calls. */
  readonly clientId: string
  /** The granted scopes of this API's own resource server, as they travel: `configurations/configurations.read`. */
  readonly scopes: ReadonlySet<string>
  readonly claims: VerifiedClaims
  /** The credentials that took part in the grant, each with its generation; never empty. */
  readonly credentials: CredentialGenerations
  /** Where the call came from, by the connection and `proxies`, in one spelling; undefined: it is not known. */
  readonly address: string | undefined
}
