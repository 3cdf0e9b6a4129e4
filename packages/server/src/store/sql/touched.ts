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

/** For whoever does not know what changed. */
export const everythingChanged: ChangeNotice = { clients: [], catalogue: true, keys: true, revocations: true }

/** One notice for several changes. */
export function mergeNotices(notices: readonly ChangeNotice[]): ChangeNotice {
  return {
    clients: [...new Set(notices.flatMap(({ clients }) => clients))],
    catalogue: notices.some(({ catalogue }) => catalogue),
    keys: notices.some(({ keys }) => keys),
    revocations: notices.some(({ revocations }) => revocations),
  }
}

/** Reads a notice as another process wrote it; undefined when it is not of this version's form. */
export function readNotice(text: string): ChangeNotice | undefined {
  try {
    const value = JSON.parse(text) as Partial<Record<keyof ChangeNotice, unknown>> | null
    const { clients, catalogue, keys, revocations, ...others } = value ?? {}
    const isWhole =
      Array.isArray(clients) &&
      clients.every((client) => typeof client === 'string') &&
      [catalogue, keys, revocations].every((flag) => typeof flag === 'boolean') &&
      Object.keys(others).length === 0
    return isWhole ? (value as ChangeNotice) : undefined
  } catch {
    return undefined
  }
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
