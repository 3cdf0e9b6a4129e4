/** A request for one page of a list. */
export interface PageRequest {
  /** 1 to 1000. */
  readonly limit: number
  /** Where the previous page ended; absent for the first. */
  readonly cursor?: string | undefined
}

export interface Page<T> {
  readonly items: readonly T[]
  /** Absent on the last page. */
  readonly nextCursor?: string | undefined
}
