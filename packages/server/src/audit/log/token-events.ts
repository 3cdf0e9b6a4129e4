import type { EpochMs } from '@latchkey/protocol'
import type { RequestId } from '../../kernel/ids.ts'

/** What the token log records, by name. */
export const tokenEventNames = {
  'token.granted': 'A token was issued.',
  'token.denied': 'A token request was refused; `reason` says precisely why.',
  'renewal.denied': 'The renewal of a certificate was refused.',
  'introspection.denied': 'An introspection request was refused.',
  'revocation.denied': 'A revocation request was refused.',
  'whoami.denied': 'A request at whoami was refused.',
  'resource_server.denied': 'A request for endpoint rules or a network policy was refused.',
  'denials.aggregated':
    'Refusals of callers who did not authenticate, counted instead of listed, because they came too fast.',
  'segment.opened': 'A segment of the log begins.',
  'log.closed': 'The process ended in order.',
} as const
export type TokenEventName = keyof typeof tokenEventNames

/** One event at the OAuth endpoints. Holds ids, names and addresses; never a secret, a token or a body. */
export interface TokenEvent {
  readonly event: TokenEventName
  readonly at: EpochMs
  readonly requestId: RequestId | ''
  /** As the caller gave it, cut to 64 characters; empty when it gave none. */
  readonly clientId: string
  /** The caller's address as `http/peer` found it. */
  readonly address: string
  readonly details: Readonly<Record<string, unknown>>
}
