import type { TokenEvent } from '../audit/token-events.ts'
import type { HttpRequest, HttpResponse } from '../http/exchange.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Grant } from '../policy/token-decision.ts'
import type { IssuedToken, TokenIssuer } from '../tokens/issue.ts'
import type { RefusalReason } from './refusals.ts'
import { respondGrant, respondRefusal } from './respond.ts'

/*
 * Requests that are decided in the same turn of the event loop are signed together, recorded together and answered together; while one group
 * is being written, the next is signed. Measured beside a server that signs and answers each by itself: see benchmarks/README.md.
 */

/** What a request came to. */
export type TokenOutcome =
  | Grant
  | {
      readonly kind: 'refused'
      readonly reason: RefusalReason
      readonly about: string | undefined
      /** As far as the caller said; empty when it did not. */
      readonly clientId: string
      readonly authenticated: boolean
    }

/** Where outcomes are recorded before they are answered. */
export interface OutcomeLog {
  /** Rejects with Fault `audit.unwritable`; then nothing was recorded. */
  append(events: readonly TokenEvent[]): Promise<void>
  /** Whether a refusal of somebody unknown is recorded by itself; beyond a rate they are counted instead. */
  recordsStranger(address: string, reason: string): boolean
  /** Written behind, for diagnosis. */
  noteGrant(grant: Grant): void
  noteRefusal(clientId: string, requestId: string, reason: string, address: string): void
}

export interface GroupCommit {
  /** Issues, records and answers, together with the other outcomes of this turn. Never rejects. */
  complete(request: HttpRequest, outcome: TokenOutcome): Promise<HttpResponse>
}

interface Pending {
  readonly request: HttpRequest
  readonly outcome: TokenOutcome
  readonly resolve: (response: HttpResponse) => void
}

/** Requests that wait at most; beyond it new ones are told to come again. A second's worth of work on a fast machine. */
const maxWaiting = 16_384

export function groupCommit(issuer: TokenIssuer, log: OutcomeLog, clock: Clock, retryAfter: () => number): GroupCommit {
  let collecting: Pending[] = []
  let waiting = 0

  function flush(): void {
    const group = collecting
    collecting = []
    const events: TokenEvent[] = []
    const responses = group.map(({ request, outcome }) => settle(request, outcome, events))
    const recorded = events.length === 0 ? Promise.resolve() : log.append(events)
    recorded.then(
      () => {
        release(group, (index) => responses[index])
      },
      () => {
        release(group, (_index, { request }) => unavailable(request, 'unavailable.audit'))
      },
    )
  }

  function release(
    group: readonly Pending[],
    answer: (index: number, pending: Pending) => HttpResponse | undefined,
  ): void {
    waiting -= group.length
    for (const [index, pending] of group.entries()) {
      const response = answer(index, pending)
      if (response !== undefined) pending.resolve(response)
    }
  }

  function settle(request: HttpRequest, outcome: TokenOutcome, events: TokenEvent[]): HttpResponse {
    if (outcome.kind === 'grant') {
      const token = issuer.issue(outcome)
      events.push(grantedEvent(request, outcome, token, clock))
      log.noteGrant(outcome)
      return respondGrant(token, outcome)
    }
    const { reason, about, clientId, authenticated } = outcome
    if (authenticated || log.recordsStranger(request.address, reason)) {
      const event = { event: 'token.denied', at: clock.now(), requestId: request.id, clientId } as const
      events.push({ ...event, address: request.address, details: { reason, about } })
    }
    if (authenticated) log.noteRefusal(clientId, request.id, reason, request.address)
    return respondRefusal({
      reason,
      about,
      usedAuthorizationHeader: request.headers.authorization !== undefined,
      retryAfterSeconds: retryAfter(),
    })
  }

  return {
    complete(request, outcome) {
      if (waiting >= maxWaiting) return Promise.resolve(unavailable(request, 'unavailable.overload'))
      return new Promise((resolve) => {
        waiting++
        if (collecting.push({ request, outcome, resolve }) === 1) setImmediate(flush)
      })
    },
  }
}

function grantedEvent(request: HttpRequest, grant: Grant, token: IssuedToken, clock: Clock): TokenEvent {
  return {
    event: 'token.granted',
    at: clock.now(),
    requestId: request.id,
    clientId: grant.client.clientId,
    address: request.address,
    details: {
      cred: grant.credentials.map((credential) => credential.id),
      scope: grant.scopes.text,
      aud: grant.scopes.audience,
      jti: token.jti,
      exp: token.expiresAt,
      kid: token.kid,
    },
  }
}

function unavailable(request: HttpRequest, reason: 'unavailable.audit' | 'unavailable.overload'): HttpResponse {
  return respondRefusal({ reason, usedAuthorizationHeader: request.headers.authorization !== undefined })
}
