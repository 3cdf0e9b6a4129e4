/** Freshness of keys whose answer says nothing, in seconds. */
const defaultFreshnessSeconds = 300

/** Below this, an issuer that forbids caching would be asked on nearly every request, in seconds. */
const minFreshnessSeconds = 10

/**
 * How long an answer stays fresh, in seconds: `max-age` less `Age` (RFC 9111 §4.2), kept between 10 seconds and `maxFreshnessSeconds`.
 * `no-store` and `no-cache` count as 0.
 */
export function readFreshnessSeconds(headers: Headers, maxFreshnessSeconds: number): number {
  const cacheControl = headers.get('cache-control') ?? ''
  const maxAge = /(?:^|[\s,])max-age="?(\d{1,10})/i.exec(cacheControl)?.[1]
  const age = /^\d{1,10}$/.exec(headers.get('age') ?? '')?.[0] ?? '0'
  const forbidden = /(?:^|[\s,])no-(?:store|cache)(?:$|[\s,=])/i.test(cacheControl)
  const stated = forbidden ? 0 : maxAge === undefined ? defaultFreshnessSeconds : Number(maxAge) - Number(age)
  return Math.min(Math.max(stated, minFreshnessSeconds), maxFreshnessSeconds)
}
