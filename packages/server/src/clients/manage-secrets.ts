import type { EpochMs } from '@latchkey/protocol'
import type { Change, ChangeContext, ChangeOutcome } from '../audit/change.ts'
import { refuseChange, type ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import { takesSecret } from './authentication.ts'
import type { Client, ClientId } from './client.ts'
import type { Credential, CredentialId } from './credential.ts'
import { endTokensOf, type EndAccessTransaction } from './end-access.ts'
import type { ClientWrites } from './ports.ts'
import { makeSecret, type CredentialMaker, type NewSecret } from './secrets.ts'

export interface NewSecretInput {
  readonly name: string
  readonly expiresAt?: EpochMs | undefined
  /** The secret that this one replaces; it keeps working until it is revoked. */
  readonly replaces?: CredentialId | undefined
}

/** Gives a client, or a resource server's credential, one more secret. Refuses with `client.unknown`, `client.takes_no_secret`, `credential.unknown`. */
export function addSecret(
  change: Change<{ readonly clients: ClientWrites }>,
  maker: CredentialMaker,
  context: ChangeContext,
  clientId: ClientId,
  input: NewSecretInput,
): Promise<Result<NewSecret, ChangeRefusal>> {
  return change(context, async (tx) => {
    const record = await tx.clients.find(clientId)
    if (record === undefined) return refuseChange('client.unknown', `there is no client ${clientId}`, 'client_id')
    if (!takesSecret(record.client.authentication)) return refuseSecret(record.client)
    if (input.replaces !== undefined && !record.credentials.some((credential) => credential.id === input.replaces)) {
      return refuseChange('credential.unknown', `${clientId} has no secret ${input.replaces}`, 'replaces')
    }
    const secret = makeSecret(maker, clientId, {
      name: input.name,
      now: context.now,
      expiresAt: input.expiresAt,
      parentId: input.replaces,
    })
    await tx.clients.insertCredential(secret.credential)
    return {
      ...done(secret),
      event: {
        name: 'secret.created',
        subject: secret.credential.id,
        details: { client_id: clientId, name: input.name, expires_at: input.expiresAt, replaces: input.replaces },
      },
    }
  })
}

/**
 * Revokes a secret and ends its tokens; with `compromised` also every secret that descends from it by rotation, since whoever held it could
 * have made those. Repeating it changes nothing further. Refuses with `credential.unknown`, `credential.not_a_secret`.
 */
export function revokeSecret(
  change: Change<EndAccessTransaction>,
  context: ChangeContext,
  id: CredentialId,
  options: { readonly compromised: boolean },
): Promise<Result<readonly Credential[], ChangeRefusal>> {
  return change(context, (tx) => revokeSecretWithin(tx, context, id, options))
}

/** {@link revokeSecret} as a part of a larger change. */
export async function revokeSecretWithin(
  tx: EndAccessTransaction,
  context: ChangeContext,
  id: CredentialId,
  options: { readonly compromised: boolean },
): Promise<ChangeOutcome<readonly Credential[], ChangeRefusal>> {
  const credential = await tx.clients.findCredential(id)
  if (credential === undefined) return refuseChange('credential.unknown', `there is no credential ${id}`, 'id')
  if (credential.kind !== 'secret') return refuseChange('credential.not_a_secret', `${id} is not a secret`, 'id')
  const record = await tx.clients.find(credential.clientId)
  const line = options.compromised ? descendants(credential, record?.credentials ?? []) : [credential]
  const revoked: Credential[] = []
  for (const member of line) {
    if (member.revokedAt !== undefined) {
      revoked.push(member)
      continue
    }
    const raised = await endTokensOf(tx, member, context.now)
    const ended = { ...raised, revokedAt: context.now }
    await tx.clients.updateCredential(ended)
    revoked.push(ended)
  }
  return {
    ...done(revoked),
    event: {
      name: 'secret.revoked',
      subject: id,
      details: {
        client_id: credential.clientId,
        compromised: options.compromised,
        revoked: revoked.map((member) => member.id),
      },
    },
  }
}

/** The credential and all that were rotated from it, directly or through others. */
function descendants(root: Credential, all: readonly Credential[]): Credential[] {
  const line = [root]
  for (const member of line) {
    line.push(...all.filter((candidate) => candidate.parentId === member.id && !line.includes(candidate)))
  }
  return line
}

/** What is answered where a secret was wanted for a client that has no use for one. */
export function refuseSecret({ clientId, authentication }: Client): ReturnType<typeof refuseChange> {
  return refuseChange('client.takes_no_secret', `${clientId} authenticates by ${authentication}, without a secret`)
}
