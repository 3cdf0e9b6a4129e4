import { parseClientSecret, type EpochMs } from '@latchkey/protocol'
import type { CompiledClient, CompiledSecret } from '../../clients/compiled-client.ts'
import { digestSecret, sameDigest } from '../../clients/secrets.ts'
import type { DataKeys } from '../../keys/data-keys.ts'
import { done, refused, type Result } from '../../kernel/result.ts'
import type { PresentedSecret } from './presented-credentials.ts'
import type { AuthenticationRefusal } from './refusals.ts'

/** A secret that is right and in force, and whose it is. */
export interface ProvenSecret {
  readonly client: CompiledClient
  readonly secret: CompiledSecret
}

/** Compared with when there is nothing to compare with, so that every attempt costs the same HMAC and comparison. */
const nothing = new Uint8Array(32)

/**
 * Checks a secret against a client as it is in memory. State is judged only after the secret has proved right, and every refusal costs the same
 * work. Does not check whether the client may authenticate by a secret alone: that is `authenticate-client`. Nor network or scopes: that is `policy/token-decision`.
 */
export function checkSecret(
  dataKeys: DataKeys,
  client: CompiledClient | undefined,
  presented: PresentedSecret,
  now: EpochMs,
): Result<ProvenSecret, AuthenticationRefusal> {
  const parts = parseClientSecret(presented.clientSecret)
  const secret = parts === undefined ? undefined : client?.secrets.get(parts.credentialId)
  const digest = digestSecret(dataKeys, secret?.digestKeyId ?? dataKeys.current('secret-hmac'), presented.clientSecret)
  const isRight = sameDigest(digest, secret?.digest ?? nothing)

  if (client === undefined) return refused('authentication.client_unknown')
  if (parts === undefined) return refused('authentication.secret_malformed')
  if (secret === undefined) return refused('authentication.secret_unknown')
  if (!isRight) return refused('authentication.secret_wrong')
  return judgeState(client, secret, now)
}

function judgeState(
  client: CompiledClient,
  secret: CompiledSecret,
  now: EpochMs,
): Result<ProvenSecret, AuthenticationRefusal> {
  if (secret.revokedAt !== undefined) return refused('authentication.secret_revoked')
  if (secret.expiresAt !== undefined && secret.expiresAt <= now) return refused('authentication.secret_expired')
  if (client.state !== 'enabled') return refused('authentication.client_disabled')
  return done({ client, secret })
}
