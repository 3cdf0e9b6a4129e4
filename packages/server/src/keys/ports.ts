import type { SealedDataKey } from './data-keys.ts'
import type { SealedSigningKey } from './sealed-signing-key.ts'

/** The keys at rest, read outside of any change. */
export interface KeyStore {
  /** Whether this database never had keys: only then may a master key be made for it. */
  isNew(): Promise<boolean>
  loadDataKeys(): Promise<SealedDataKey[]>
  loadSigningKeys(): Promise<SealedSigningKey[]>
  /** Stores the first keys of a new installation; answers false, and stores nothing, when there ever were any. */
  installFirstKeys(dataKeys: readonly SealedDataKey[], signingKeys: readonly SealedSigningKey[]): Promise<boolean>
  /** Replaces a row by one that says the same in another form. Does nothing when it is not `before` any more. */
  resealSigningKey(before: SealedSigningKey, after: SealedSigningKey): Promise<void>
}

/** The signing keys inside a change, which is the only one at its time. */
export interface SigningKeyWrites {
  /** Every row as this change finds it. */
  all(): Promise<readonly SealedSigningKey[]>
  insert(key: SealedSigningKey): Promise<void>
  /** Replaces the row of this kid. */
  update(key: SealedSigningKey): Promise<void>
  remove(kid: string): Promise<void>
}

/** The data keys inside a change. */
export interface DataKeyWrites {
  all(): Promise<readonly SealedDataKey[]>
  /** Stores the same keys under another seal. */
  rewrap(keys: readonly SealedDataKey[]): Promise<void>
}
