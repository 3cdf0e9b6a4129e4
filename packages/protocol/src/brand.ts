declare const brand: unique symbol

/** A value of `T` that only the code which checked it can make. Costs nothing at run time. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** Seconds since 1970-01-01T00:00:00Z, an integer: what JWT calls NumericDate (RFC 7519 §2). */
export type EpochSeconds = Brand<number, 'EpochSeconds'>

/** Milliseconds since 1970-01-01T00:00:00Z, an integer. */
export type EpochMs = Brand<number, 'EpochMs'>

/** Rounds down, so that a token's `exp` never passes the moment that it was derived from. */
export function toSeconds(ms: EpochMs): EpochSeconds {
  return Math.floor(ms / 1000) as EpochSeconds
}
