/** Parameters of one challenge, in the order in which they are written. `undefined` leaves one out. */
export type ChallengeParameters = Readonly<Record<string, string | undefined>>

/**
 * One challenge for `WWW-Authenticate` (RFC 9110 §11.6.1): scheme and quoted parameters.
 * Characters that a quoted-string cannot hold are replaced by `?`, so that no input can end the header early.
 */
export function formatChallenge(scheme: string, parameters: ChallengeParameters): string {
  const parts: string[] = []
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue
    parts.push(`${name}="${value.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`)
  }
  return parts.length === 0 ? scheme : `${scheme} ${parts.join(', ')}`
}
