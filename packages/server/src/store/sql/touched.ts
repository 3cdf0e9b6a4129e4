import type { ClientId } from '../../clients/client.ts'

/** What a committed change made out of date in memory. */
export interface ChangeNotice {
  readonly clients: readonly ClientId[]
  /** Whether any resource server changed; then every compiled client may have. */
  readonly catalogue: boolean
}

/** Collects, inside a transaction, what has to be announced once it commits. */
export interface Touched {
  client(clientId: ClientId): void
  catalogue(): void
  notice(): ChangeNotice
}

export function collectTouched(): Touched {
  const clients = new Set<ClientId>()
  let catalogue = false
  return {
    client: (clientId) => void clients.add(clientId),
    catalogue: () => {
      catalogue = true
    },
    notice: () => ({ clients: [...clients], catalogue }),
  }
}
