/**
 * Whether this is an absolute URI without a fragment, as `resource` and an audience must be (RFC 8707 §2, RFC 3986 §4.3).
 * Takes `https://api.example.com/v1` and `urn:example:api`. Does not check that anything answers there.
 */
export function isAbsoluteUri(value: string): boolean {
  // Only characters of RFC 3986 §2; `#` would begin a fragment.
  return /^[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9\-._~:/?[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+$/.test(value)
}
