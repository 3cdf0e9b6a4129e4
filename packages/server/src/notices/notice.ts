import type { EpochMs, Scope } from '@latchkey/protocol'

/** Everything that people are told by mail, and teams' programs by webhook. What stands under `secret` goes into mail only, never into a webhook, log or error. */
export type Notice =
  /** To the contact: prove that the address is yours. The link also is the status page. */
  | NoticeOf<'request.confirm_address', RequestWords, { readonly statusLink: string }>
  /** To the team: one more waits. */
  | NoticeOf<'request.submitted', RequestWords & { readonly contactAddress: string; readonly scopes: readonly Scope[] }>
  /** To the team: the requester answered, changed or withdrew it. */
  | NoticeOf<'request.amended', RequestWords & { readonly contactAddress: string }>
  | NoticeOf<'request.withdrawn', RequestWords & { readonly contactAddress: string }>
  /** To the contact. */
  | NoticeOf<'request.changes_requested', RequestWords & { readonly message: string }, { readonly statusLink: string }>
  | NoticeOf<
      'request.approved',
      RequestWords & {
        readonly clientId: string
        readonly approved: readonly { readonly scope: Scope; readonly endsAt: EpochMs | undefined }[]
        readonly refused: readonly Scope[]
        readonly reason: string | undefined
      },
      { readonly statusLink: string }
    >
  | NoticeOf<'request.rejected', RequestWords & { readonly reason: string }, { readonly statusLink: string }>
  | NoticeOf<'request.expired', RequestWords>
  /** To the contact: the one message that carries a delivery link. */
  | NoticeOf<
      'link.ready',
      LinkWords & { readonly expiresAt: EpochMs; readonly needsCode: boolean },
      { readonly deliveryLink: string }
    >
  /** To contact and team: somebody was shown the credential. */
  | NoticeOf<'link.claimed', LinkWords & { readonly claimedAt: EpochMs; readonly disownUntil: EpochMs }>
  /** To contact and team: nobody confirmed or used it, so it was revoked. */
  | NoticeOf<'link.undelivered', LinkWords>
  /** To contact and team: "That was not me." */
  | NoticeOf<'link.disowned', LinkWords & { readonly claimedAt: EpochMs; readonly revoked: boolean }>
  /** To the team: somebody with the link guesses at its code. */
  | NoticeOf<'link.locked', LinkWords>
  /** To the team, and to the contact where it is a client's: something ends within 30, 7 or 1 days. */
  | NoticeOf<'ending.near', EndingWords>
  /** To the team: a right credential came from a wrong address. */
  | NoticeOf<'network.address_refused', AddressWords>

interface NoticeOf<Kind extends string, Words, Secret = undefined> {
  readonly kind: Kind
  /** Names what it is about: the id of the request or link, or a client_id. */
  readonly about: string
  readonly words: Words
  readonly secret: Secret
}

export interface RequestWords {
  readonly requestId: string
  readonly organisation: string
  readonly applicationName: string
}

export interface EndingWords {
  readonly what: 'secret' | 'certificate' | 'scope' | 'address' | 'anchor' | 'authority' | 'server_certificate'
  /** A secret's name, a serial, a scope, a CIDR, a registered name, which authority, what a server's certificate is made out to. */
  readonly name: string
  readonly endsAt: EpochMs
  /** It is so many days away, or fewer. */
  readonly days: 30 | 7 | 1
  readonly clientId: string | undefined
  readonly clientName: string | undefined
}

export interface LinkWords {
  readonly linkId: string
  readonly clientId: string
  readonly clientName: string
}

export interface AddressWords {
  readonly clientId: string
  readonly clientName: string
  /** The latest; empty when it could not be read. */
  readonly address: string
  readonly requestId: string
  /** Refusals that were seen together. */
  readonly count: number
}

/** Who is told: the team at its configured addresses and webhook, or one address of a contact. */
export type NoticeAudience = { readonly kind: 'team' } | { readonly kind: 'contact'; readonly address: string }
