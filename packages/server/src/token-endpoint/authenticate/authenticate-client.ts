import { parseClientSecret } from '@latchkey/protocol'
import { isClientIdForm, type ClientId } from '../../clients/client.ts'
import type { CompiledClient } from '../../clients/compiled-client.ts'
import type { Form } from '../../http/form.ts'
import type { HttpRequest } from '../../http/exchange.ts'
import type { Clock } from '../../kernel/clock.ts'
import { refused, type Result } from '../../kernel/result.ts'
import type { DataKeys } from '../../keys/data-keys.ts'
import type { AuthenticatedClient } from './authenticated-client.ts'
import type { GuessLimit } from './guess-limit.ts'
import { presentedCredentials, type PresentedSecret } from './presented-credentials.ts'
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
  readonly dataKeys: DataKeys
  readonly guesses: GuessLimit
  readonly clock: Clock
}

export type AuthenticationResult = Result<AuthenticatedClient, AuthenticationRefusal>

/**
 * Finds out who calls. Answers at once when memory suffices; before any refusal the store is read, so that a secret made a moment ago elsewhere
 * works, and an unknown client costs what a known one does. Throws Fault `store.unavailable`: never a refusal for want of a database.
 */
export function authenticateClient(
  context: AuthenticationContext,
  request: HttpRequest,
  form: Form,
): AuthenticationResult | Promise<AuthenticationResult> {
  const presented = presentedCredentials(request, form)
  if (!presented.ok) return presented
  const now = context.clock.now()
  const { clientId, clientSecret } = presented.value
  const credentialId = parseClientSecret(clientSecret)?.credentialId
  if (credentialId !== undefined && context.guesses.isBlocked(clientId, credentialId, request.address, now)) {
    return refused('authentication.throttled_secret')
  }
  const cached = isClientIdForm(clientId) ? context.clients.cached(clientId) : undefined
  const first = checkSecret(context.dataKeys, cached, presented.value, now)
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
  presented: PresentedSecret,
): Promise<AuthenticationResult> {
  const { clientId, clientSecret } = presented
  const client = isClientIdForm(clientId) ? await context.clients.load(clientId) : undefined
  const now = context.clock.now()
  const result = checkSecret(context.dataKeys, client, presented, now)
  if (result.ok) return result
  const named = parseClientSecret(clientSecret)?.credentialId
  const guessed = result.refusal === 'authentication.secret_wrong' ? named : undefined
  const throttled = context.guesses.countFailure(clientId, guessed, request.address, now)
  return throttled ? refused('authentication.throttled') : result
}
