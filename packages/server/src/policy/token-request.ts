import type { Scope } from '@latchkey/protocol'

/** What the `scope` parameter asks for. A malformed one is refused after authentication, like an unknown one. */
export type RequestedScope =
  | { readonly kind: 'omitted' }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'named'; readonly scopes: readonly Scope[] }

/** A token request whose form has been read (RFC 6749 §4.4.2, RFC 8707 §2). Credentials are read by `authenticate`, from the same form. */
export interface TokenRequest {
  /** (OPTIONAL) RFC 6749 §3.3. */
  readonly scope: RequestedScope
  /** (OPTIONAL, repeatable) RFC 8707 §2. Not checked to be URIs: one that is none is an unknown resource. */
  readonly resources: readonly string[]
}
