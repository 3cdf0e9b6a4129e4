/** Where a guard keeps the issuer's keys and revocations beyond its process; `savedStateFile` of `@latchkey/guard/node` is one. */
export interface SavedState {
  /** What was written last. A fault to read is a value; the guard then begins anew. */
  read(): Promise<SavedText>
  /** Replaces it as a whole: a reader sees the old text or the new one, never half of it. May reject. */
  write(text: string): Promise<void>
}

export type SavedText =
  | { readonly outcome: 'text'; readonly text: string }
  /** Nothing was ever written. */
  | { readonly outcome: 'none' }
  | { readonly outcome: 'refused'; readonly reason: SavedStateRefusal }

/** Why what was kept is not used. */
export type SavedStateRefusal =
  /** It, or its folder, belongs to somebody else: who can write it can forge keys. */
  | 'owner'
  /** It, or its folder, can be written by group or others. */
  | 'mode'
  | 'not_a_file'
  | 'too_large'
  | 'unreadable'
  | 'damaged'
  | 'issuer_mismatch'
  /** Older than `revocations.maxStalenessSeconds` by what it says of itself. */
  | 'too_old'
  /** It claims to be from later than now, by more than the clocks may be apart. */
  | 'in_future'
