/** The strong entity tag of a revision (RFC 9110 §8.8.3). */
export function entityTag(revision: number): string {
  return `"${revision}"`
}

/**
 * Whether a request with this If-Match may change a resource of that revision (RFC 9110 §13.1.1); without the header it may.
 * Compares strongly, so weak tags never match; so does whatever is not a list of tags.
 */
export function matchesRevision(ifMatch: string | undefined, revision: number): boolean {
  if (ifMatch === undefined || ifMatch.trim() === '*') return true
  return ifMatch.split(',').some((tag) => tag.trim() === entityTag(revision))
}
