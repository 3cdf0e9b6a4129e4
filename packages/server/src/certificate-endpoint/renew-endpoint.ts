import type { Change } from '../audit/change.ts'
import type { IssuedCertificate } from '../certificate-authority/certificate.ts'
import type { CertificateMaker, CertificateTransaction } from '../certificate-authority/issue-certificate.ts'
import type { CertificateReads } from '../certificate-authority/ports.ts'
import { renewCertificate } from '../certificate-authority/renew-certificate.ts'
import type { Endpoint, HttpRequest, HttpResponse } from '../http/exchange.ts'
import { problem } from '../http/problem.ts'
import type { Clock } from '../kernel/clock.ts'
import { Fault } from '../kernel/faults.ts'
import { changeRefusals, type ChangeRefusal, type ChangeRefusalReason } from '../kernel/refusal.ts'
import { refuseAddress } from '../token-endpoint/caller-address.ts'
import type { ClientLookup } from '../token-endpoint/authenticate/authenticate-client.ts'
import type { GuessLimit } from '../token-endpoint/authenticate/guess-limit.ts'
import type { AuthenticationRefusal } from '../token-endpoint/authenticate/refusals.ts'
import type { OutcomeLog, RecordedRefusal } from '../token-endpoint/group-commit.ts'

export interface RenewalContext {
  readonly certificates: Pick<CertificateReads, 'findByThumbprint'>
  readonly change: Change<CertificateTransaction>
  readonly clients: ClientLookup
  readonly maker: CertificateMaker
  readonly guesses: GuessLimit
  readonly log: OutcomeLog
  readonly clock: Clock
}

/**
 * `POST /ca/renew`, at the listener that asks for certificates: the body is a signing request for a new key (PEM, or DER in base64), the certificate of the connection
 * says whose. Answers 201 with the new certificate and its chain (`application/pem-certificate-chain`, RFC 8555 §9.1), or a problem document. The media type
 * of the body is not looked at.
 */
export function renewEndpoint(context: RenewalContext): Endpoint {
  return async (request) => {
    if (request.method !== 'POST') return problem(405, 'Method not allowed', 'use POST', ['Allow', 'POST'])
    if (request.body.kind === 'too-large') return problem(413, 'Too large', 'a signing request has 16 KiB at most')
    try {
      return await renew(context, request, request.body.bytes.toString('latin1'))
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      const reason = error.code === 'store.unavailable' ? 'unavailable.store' : 'unavailable.audit'
      // The answer is the same where even that cannot be written.
      await record(context, request, undefined, reason).catch(() => undefined)
      return problem(503, 'Not now', 'try again shortly', ['Retry-After', '2'])
    }
  }
}

async function renew(context: RenewalContext, request: HttpRequest, csr: string): Promise<HttpResponse> {
  const { certificates, change, maker, guesses, clock } = context
  const now = clock.now()
  if (guesses.isThrottled(request.address, now)) {
    const wait = String(guesses.retryAfterSeconds(now))
    return problem(429, 'Too many attempts', 'too many failed attempts came from this address', ['Retry-After', wait])
  }
  const { certificate } = request
  const known = certificate && (await certificates.findByThumbprint(certificate.thumbprint))
  if (known === undefined) {
    guesses.countFailure('', undefined, request.address, now)
    const isMissing = certificate === undefined
    return refuse(
      context,
      request,
      undefined,
      isMissing ? 'authentication.certificate_missing' : 'authentication.certificate_unknown',
    )
  }
  // A certificate is a credential: it is handed out where tokens are.
  const client = context.clients.cached(known.clientId) ?? (await context.clients.load(known.clientId))
  if (client !== undefined && refuseAddress(client, request, now) !== undefined) {
    return refuse(context, request, known, 'network.address_not_allowed')
  }
  const at = { actor: known.clientId, requestId: request.id, now }
  const issued = await renewCertificate(change, maker, at, known.serial, { csr, by: 'owner' })
  if (!issued.ok) return refuse(context, request, known, issued.refusal)
  const { certificate: renewed, chain } = issued.value
  return {
    status: 201,
    headers: ['Content-Type', 'application/pem-certificate-chain', 'Cache-Control', 'no-store'],
    body: renewed.certificate + chain,
  }
}

async function record(
  { log, clock }: RenewalContext,
  request: HttpRequest,
  known: IssuedCertificate | undefined,
  reason: RecordedRefusal['reason'],
): Promise<void> {
  const clientId = known?.clientId ?? ''
  if (!log.recordsRefusal({ reason, clientId, authenticated: known !== undefined, address: request.address })) return
  const details = { reason, ...(known === undefined ? {} : { serial: known.serial }) }
  const recorded = { event: 'renewal.denied', at: clock.now(), requestId: request.id, clientId } as const
  await log.append([{ ...recorded, address: request.address, details }])
}

/** Whoever has the certificate's key is told what is wrong; anybody else only that he is nobody. */
async function refuse(
  context: RenewalContext,
  request: HttpRequest,
  known: IssuedCertificate | undefined,
  refusal: ChangeRefusal | AuthenticationRefusal | 'network.address_not_allowed',
): Promise<HttpResponse> {
  await record(context, request, known, typeof refusal === 'string' ? refusal : refusal.reason)
  if (refusal === 'network.address_not_allowed') {
    context.log.noteRefusal(known?.clientId ?? '', request.id, refusal, request.address)
    const seen = request.address === '' ? 'unknown' : request.address
    return problem(403, 'Not from here', `the client may not call from the address, as this server sees it: ${seen}`)
  }
  if (typeof refusal === 'string') {
    return problem(401, 'Not known here', 'the connection came with no certificate that this server issued')
  }
  return problem(statuses[refusal.reason] ?? 409, changeRefusals[refusal.reason], refusal.message)
}

const statuses: Partial<Record<ChangeRefusalReason, number>> = {
  // A revoked one is as good as none.
  'certificate.ended': 401,
  'certificate.csr_invalid': 400,
  'client.disabled': 403,
}
