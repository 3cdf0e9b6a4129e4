/**
 * How long verifiers may keep keys without asking, and how much longer when they cannot ask (RFC 5861 §4), in seconds. The life of signing keys
 * follows from it: see keys/key-lifecycle.ts.
 */
export const jwksFreshness = { maxAgeSeconds: 300, staleIfErrorSeconds: 86_400 } as const
