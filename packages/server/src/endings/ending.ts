import type { EpochMs } from '@latchkey/protocol'
import type { ClientId } from '../clients/client.ts'

/** What comes to an end by itself. `address`: an entry of a network policy. `anchor`: a foreign authority under which a client is registered. */
export type EndingKind = 'secret' | 'certificate' | 'scope' | 'address' | 'anchor' | 'authority' | 'server_certificate'

/** Something that ends at a moment that is known. */
export interface Ending {
  readonly kind: EndingKind
  /** Names it among its kind, for good: a credential's id, `<client_id> <scope>`, a fingerprint. */
  readonly subject: string
  /** For people: a serial, a secret's name, a scope. */
  readonly name: string
  readonly endsAt: EpochMs
  /** When its life began; undefined: not known. */
  readonly since: EpochMs | undefined
  /** Whose it is; undefined: the server's own. */
  readonly client: EndingClient | undefined
}

export interface EndingClient {
  readonly clientId: ClientId
  readonly name: string
  readonly contactAddress: string | undefined
}

const dayMs = 86_400_000

/** How long before an end people are told, in days. */
export const thresholds = [30, 7, 1] as const
export type Threshold = (typeof thresholds)[number]

/** The longest of them, in milliseconds. */
export const horizonMs: number = thresholds[0] * dayMs

/**
 * Which message is due at this moment; undefined: none. When several were passed while no server ran it is the last: nobody needs two at once. Nothing is told of
 * an end that is over, and nothing at a distance that it never had: a secret for a week is told a day before.
 */
export function dueThreshold({ endsAt, since }: Pick<Ending, 'endsAt' | 'since'>, now: EpochMs): Threshold | undefined {
  if (endsAt <= now) return undefined
  const passed = thresholds.findLast((days) => endsAt - now <= days * dayMs)
  if (passed === undefined) return undefined
  return since !== undefined && endsAt - since <= passed * dayMs ? undefined : passed
}
