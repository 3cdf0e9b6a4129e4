import { parseClientSecret, type EpochMs } from '@latchkey/protocol'
import type { CertificateReads } from '../../certificate-authority/ports.ts'
import { isClientIdForm, type ClientId } from '../../clients/client.ts'
import type { CompiledClient, CompiledCredential } from '../../clients/compiled-client.ts'
import type { CheckSubject } from '../../foreign-authorities/verified-chains.ts'
import type { PresentedCertificate } from '../../http/client-certificate.ts'
import type { Form } from '../../http/form.ts'
import type { HttpRequest } from '../../http/exchange.ts'
import type { Clock } from '../../kernel/clock.ts'
import { done, refused, type Result } from '../../kernel/result.ts'
import type { DataKeys } from '../../keys/data-keys.ts'
import type { AuthenticatedClient } from './authenticated-client.ts'
import { checkCertificate } from './certificate.ts'
import type { GuessLimit } from './guess-limit.ts'
import { presentedCredentials, type PresentedCredentials } from './presented-credentials.ts'
import type { AuthenticationRefusal } from './refusals.ts'
import { checkSecret } from './secret.ts'

/** Compiled clients: those in memory at once, the others from the store. */
export interface ClientLookup {
  cached(clientId: ClientId): CompiledClient | undefined
  /** Reads the store and renews the memory. Throws Fault `store.unavailable`. */
  load(clientId: ClientId): Promise<CompiledClient | undefined>
}

export interface AuthenticationContext {
  readonly clients: ClientLookup
  readonly certificates: Pick<CertificateReads, 'findByThumbprint'>
  readonly checkSubject: CheckSubject
  readonly dataKeys: DataKeys
  readonly guesses: GuessLimit
  readonly clock: Clock
}

export type AuthenticationResult = Result<AuthenticatedClient, AuthenticationRefusal>

/**
 * Finds out who calls. Answers at once when memory suffices; before any refusal the store is read, so that a secret or certificate made a moment ago
 * elsewhere works, and an unknown client costs what a known one does. Throws Fault `store.unavailable`: never a refusal for want of a database.
 */
export function authenticateClient(
  context: AuthenticationContext,
  request: HttpRequest,
  form: Form,
): AuthenticationResult | Promise<AuthenticationResult> {
  const presented = presentedCredentials(request, form)
  if (!presented.ok) return presented
  const now = context.clock.now()
  const { clientId } = presented.value
  const credentialId = namedCredential(presented.value)
  if (credentialId !== undefined && context.guesses.isBlocked(clientId, credentialId, request.address, now)) {
    return refused('authentication.throttled_secret')
  }
  const cached = isClientIdForm(clientId) ? context.clients.cached(clientId) : undefined
  const first = check(context, cached, presented.value, request.certificate, now)
  if (first.ok) return first
  // A client in memory is as the store has it, but for changes of the last moment: whoever fails this often is not owed those.
  if (cached !== undefined && context.guesses.isThrottled(request.address, now)) {
    return refused('authentication.throttled')
  }
  return authenticateFromStore(context, request, presented.value)
}

async function authenticateFromStore(
  context: AuthenticationContext,
  request: HttpRequest,
  presented: PresentedCredentials,
): Promise<AuthenticationResult> {
  const { clientId } = presented
  const client = isClientIdForm(clientId) ? await context.clients.load(clientId) : undefined
  const now = context.clock.now()
  const result = check(context, client, presented, request.certificate, now)
  if (result.ok) return result
  const guessed = result.refusal === 'authentication.secret_wrong' ? namedCredential(presented) : undefined
  const throttled = context.guesses.countFailure(clientId, guessed, request.address, now)
  if (throttled) return refused('authentication.throttled')
  return (await isAnothers(context, request, result.refusal))
    ? refused('authentication.certificate_of_another_client')
    : result
}

/** For the audit log: one partner who comes with the certificate of another is more than a stranger with one of his own. */
async function isAnothers(
  { certificates }: AuthenticationContext,
  { certificate }: HttpRequest,
  refusal: AuthenticationRefusal,
): Promise<boolean> {
  if (certificate === undefined || !maybeAnothers.has(refusal)) return false
  return (await certificates.findByThumbprint(certificate.thumbprint)) !== undefined
}

const maybeAnothers: ReadonlySet<AuthenticationRefusal> = new Set([
  'authentication.certificate_unknown',
  'authentication.certificate_issuer_unknown',
])

/** The secret first, where there is one: who does not have it learns nothing about certificates, not even from the time that an answer takes. */
function check(
  { dataKeys, checkSubject }: AuthenticationContext,
  known: CompiledClient | undefined,
  presented: PresentedCredentials,
  certificate: PresentedCertificate | undefined,
  now: EpochMs,
): AuthenticationResult {
  const { clientId, clientSecret } = presented
  if (clientSecret === undefined) return checkCertificateAlone(checkSubject, known, certificate, now)
  const proven = checkSecret(dataKeys, known, { clientId, clientSecret }, now)
  if (!proven.ok) return proven
  const { client, secret } = proven.value
  // A certificate that nobody asked of this client is nothing to it, and binds nothing.
  if (client.authentication === 'secret') return authenticated(client, [secret], undefined)
  if (client.authentication !== 'secret-and-certificate') return refused('authentication.method_not_registered')
  const beside = checkCertificate(checkSubject, client, certificate, now)
  return beside.ok ? authenticated(client, [secret, beside.value.credential], beside.value.thumbprint) : beside
}

/** `tls_client_auth` and `self_signed_tls_client_auth` (RFC 8705 §2): the connection proves it, `client_id` says whom to look up. */
function checkCertificateAlone(
  checkSubject: CheckSubject,
  client: CompiledClient | undefined,
  presented: PresentedCertificate | undefined,
  now: EpochMs,
): AuthenticationResult {
  if (client === undefined) return refused('authentication.client_unknown')
  if (client.authentication !== 'mtls' && client.authentication !== 'self-signed-mtls') {
    return refused('authentication.method_not_registered')
  }
  const proven = checkCertificate(checkSubject, client, presented, now)
  if (!proven.ok) return proven
  if (client.state !== 'enabled') return refused('authentication.client_disabled')
  return authenticated(client, [proven.value.credential], proven.value.thumbprint)
}

function authenticated(
  client: CompiledClient,
  credentials: readonly CompiledCredential[],
  boundTo: string | undefined,
): AuthenticationResult {
  return done({ client, credentials, boundTo } as unknown as AuthenticatedClient)
}

function namedCredential({ clientSecret }: PresentedCredentials): string | undefined {
  return clientSecret === undefined ? undefined : parseClientSecret(clientSecret)?.credentialId
}
