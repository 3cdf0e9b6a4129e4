import type { TokenEvent } from '../audit/log/token-events.ts'
import type { HttpRequest, HttpResponse } from '../http/exchange.ts'
import type { Clock } from '../kernel/clock.ts'
import type { ChangeRefusalReason } from '../kernel/refusal.ts'
import { redact } from '../kernel/redaction.ts'
import type { Grant } from '../policy/token-decision.ts'
import type { IssuedToken, TokenIssuer } from '../tokens/issue.ts'
import type { RefusalReason } from './refusals.ts'
import { respondGrant, respondRefusal } from './respond.ts'

/*
 * Requests that are decided in the same turn of the event loop are signed together, recorded together and answered together; while one group
 * is being written, the next is signed. Measured beside a server that signs and answers each by itself: see benchmarks/README.md.
 */

/** What a request came to. */
export type TokenOutcome = Grant | RefusedOutcome

export interface RefusedOutcome {
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
  /** Whether this refusal is recorded by itself; beyond a rate they are counted instead. */
  recordsRefusal(refusal: RecordedRefusal): boolean
  /** Written behind, for diagnosis. */
  noteGrant(grant: Grant): void
  noteRefusal(clientId: string, requestId: string, reason: string, address: string): void
  /** What passed, and would have been refused if a policy did more than report. */
  noteReport(clientId: string, requestId: string, reason: string, address: string): void
  /** Counts an answer of the token endpoint: undefined for a token, otherwise why there is none. */
  countOutcome(reason: RefusalReason | undefined): void
  /** Counts the requests that were signed, recorded and answered together. */
  countGroup(size: number): void
}

export interface RecordedRefusal {
  readonly reason: RefusalReason | ChangeRefusalReason
  /** Of a client that authenticated, or that a caller claimed to be. */
  readonly clientId: string
  readonly authenticated: boolean
  readonly address: string
}

export interface GroupCommit {
  /** Issues, records and answers, together with the other outcomes of this turn. Rejects only when this one could not be signed. */
  complete(request: HttpRequest, outcome: TokenOutcome): Promise<HttpResponse>
}

interface Pending {
  readonly request: HttpRequest
  readonly outcome: TokenOutcome
  readonly resolve: (response: HttpResponse) => void
  readonly reject: (error: unknown) => void
}

/** A request whose answer is ready, and what is noted for diagnosis once its record is written. */
interface Settled {
  readonly response: HttpResponse
  readonly note: () => void
}

/** The reason in the record of a grant that a policy, did it not only report, would have made a refusal. */
export const wouldRefuse = 'network.would_refuse'

/** Requests that wait at most; beyond it new ones are told to come again. A second's worth of work on a fast machine. */
const maxWaiting = 16_384

/** Characters of a scope or resource that are recorded: callers choose them. */
const maxAboutLength = 200

export function groupCommit(issuer: TokenIssuer, log: OutcomeLog, clock: Clock, retryAfter: () => number): GroupCommit {
  let collecting: Pending[] = []
  let waiting = 0

  function flush(): void {
    const group = collecting
    collecting = []
    log.countGroup(group.length)
    const events: TokenEvent[] = []
    const settled = group.map((pending) => ({ pending, ...settle(pending, events) }))
    const recorded = events.length === 0 ? Promise.resolve() : log.append(events)
    recorded.then(
      () => {
        waiting -= group.length
        for (const { pending, response, note } of settled) {
          note()
          pending.resolve(response)
        }
      },
      () => {
        waiting -= group.length
        for (const { request, resolve } of group) resolve(unavailable(request, 'unavailable.audit'))
      },
    )
  }

  /** What goes wrong with one request must not take the others of its group with it. */
  function settle(pending: Pending, events: TokenEvent[]): Settled {
    try {
      const { request, outcome } = pending
      return outcome.kind === 'grant' ? settleGrant(request, outcome, events) : settleRefusal(request, outcome, events)
    } catch (error) {
      pending.reject(error)
      return { response: respondUnavailable(pending.request, 'unavailable.audit'), note: () => undefined }
    }
  }

  function settleGrant(request: HttpRequest, grant: Grant, events: TokenEvent[]): Settled {
    const token = issuer.issue(grant)
    events.push(grantedEvent(request, grant, token, clock))
    return {
      response: respondGrant(token, grant),
      note: () => {
        log.countOutcome(undefined)
        log.noteGrant(grant)
        if (grant.wouldRefuseAddress) log.noteReport(grant.client.clientId, request.id, wouldRefuse, request.address)
      },
    }
  }

  function settleRefusal(request: HttpRequest, refusal: RefusedOutcome, events: TokenEvent[]): Settled {
    const { reason, about, clientId, authenticated } = refusal
    const { id, address } = request
    if (log.recordsRefusal({ reason, clientId, authenticated, address })) {
      const details = { reason, about: about === undefined ? undefined : redact(about).slice(0, maxAboutLength) }
      events.push({ event: 'token.denied', at: clock.now(), requestId: id, clientId, address, details })
    }
    const usedAuthorizationHeader = request.headers.authorization !== undefined
    return {
      response: respondRefusal({ reason, about, usedAuthorizationHeader, retryAfterSeconds: retryAfter() }),
      note: () => {
        log.countOutcome(reason)
        if (authenticated) log.noteRefusal(clientId, id, reason, address)
      },
    }
  }

  function unavailable(request: HttpRequest, reason: 'unavailable.audit' | 'unavailable.overload'): HttpResponse {
    log.countOutcome(reason)
    return respondUnavailable(request, reason)
  }

  return {
    complete(request, outcome) {
      if (waiting >= maxWaiting) return Promise.resolve(unavailable(request, 'unavailable.overload'))
      return new Promise((resolve, reject) => {
        waiting++
        if (collecting.push({ request, outcome, resolve, reject }) === 1) setImmediate(flush)
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
      ...(grant.wouldRefuseAddress ? { reason: wouldRefuse } : {}),
    },
  }
}

function respondUnavailable(request: HttpRequest, reason: 'unavailable.audit' | 'unavailable.overload'): HttpResponse {
  return respondRefusal({ reason, usedAuthorizationHeader: request.headers.authorization !== undefined })
}
