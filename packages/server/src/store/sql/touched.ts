import type { ClientId } from '../../clients/client.ts'

/** What a committed change made out of date in memory, in this process and in every other on the same database. */
export interface ChangeNotice {
  readonly clients: readonly ClientId[]
  /** Whether any resource server changed; then every compiled client may have. */
  readonly catalogue: boolean
  /** Whether the signing keys changed. */
  readonly keys: boolean
  /** Whether entries were added to the revocations. */
  readonly revocations: boolean
}

/** Collects, inside a transaction, what has to be announced once it commits. */
export interface Touched {
  client(clientId: ClientId): void
  catalogue(): void
  keys(): void
  revocations(): void
  notice(): ChangeNotice
}

export function collectTouched(): Touched {
  const clients = new Set<ClientId>()
  const touched = { catalogue: false, keys: false, revocations: false }
  return {
    client: (clientId) => void clients.add(clientId),
    catalogue: () => {
      touched.catalogue = true
    },
    keys: () => {
      touched.keys = true
    },
    revocations: () => {
      touched.revocations = true
    },
    notice: () => ({ clients: [...clients], ...touched }),
  }
}
