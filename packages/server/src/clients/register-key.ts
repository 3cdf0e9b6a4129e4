import { createHash, X509Certificate, type KeyObject } from 'node:crypto'
import type { EpochMs } from '@latchkey/protocol'
import type { Change, ChangeContext, ChangeOutcome } from '../audit/change.ts'
import { isStrongKey } from '../kernel/key-strength.ts'
import { refuseChange, type ChangeRefusal } from '../kernel/refusal.ts'
import { done, refused, type Result } from '../kernel/result.ts'
import type { ClientId } from './client.ts'
import type { Credential, CredentialId } from './credential.ts'
import { endTokensOf, type EndAccessTransaction } from './end-access.ts'
import { makeCertificateCredential, type CredentialMaker } from './secrets.ts'
import { findClient } from './update-client.ts'

/**
 * Registers the key of a certificate that a client made itself (`self_signed_tls_client_auth`, RFC 8705 §2.2): from then on any certificate with this key is its
 * own. What else stands in the certificate is not looked at. Refuses with `client.unknown`, `client.is_resource_server`,
 * `client.takes_no_own_certificate`, `certificate.unsuitable`.
 */
export function registerKey(
  change: Change<EndAccessTransaction>,
  maker: CredentialMaker,
  context: ChangeContext,
  clientId: ClientId,
  certificate: string,
): Promise<Result<Credential, ChangeRefusal>> {
  return change(context, (tx) => registerKeyWithin(tx, maker, context, clientId, certificate))
}

/** {@link registerKey} as a part of a larger change. */
export async function registerKeyWithin(
  tx: EndAccessTransaction,
  maker: CredentialMaker,
  context: ChangeContext,
  clientId: ClientId,
  certificate: string,
): Promise<ChangeOutcome<Credential, ChangeRefusal>> {
  const found = await findClient(tx.clients, clientId)
  if (!found.ok) return found
  if (found.value.client.authentication === 'mtls') {
    const message = `${clientId} authenticates by certificates that this server issues: \`latchkey cert issue\``
    return refuseChange('client.takes_no_own_certificate', message, 'client_id')
  }
  const read = readKey(certificate, context.now)
  if (!read.ok) return refuseChange('certificate.unsuitable', read.refusal, 'certificate')
  const { publicKey, name } = nameKey(read.value)
  const isKnown = found.value.certificates.some((one) => one.kind === 'key' && one.publicKey === publicKey)
  if (isKnown) return refuseChange('certificate.unsuitable', 'this key is registered for it already', 'certificate')
  const credential: Credential = {
    ...makeCertificateCredential(maker, clientId, { name, now: context.now }),
    kind: 'registered-key',
  }
  await tx.clients.insertCredential(credential)
  await tx.clients.insertRegisteredKey({ kind: 'key', credentialId: credential.id, publicKey })
  const details = { client_id: clientId, key: name }
  return { ...done(credential), event: { name: 'registered_key.created', subject: credential.id, details } }
}

/** Ends the registration of a key, and the tokens that were got with it. Repeating it changes nothing further. Refuses with `credential.unknown`. */
export function revokeRegisteredKey(
  change: Change<EndAccessTransaction>,
  context: ChangeContext,
  id: CredentialId,
): Promise<Result<Credential, ChangeRefusal>> {
  return change(context, (tx) => revokeRegisteredKeyWithin(tx, context, id))
}

/** {@link revokeRegisteredKey} as a part of a larger change. */
export async function revokeRegisteredKeyWithin(
  tx: EndAccessTransaction,
  context: ChangeContext,
  id: CredentialId,
): Promise<ChangeOutcome<Credential, ChangeRefusal>> {
  const credential = await tx.clients.findCredential(id)
  if (credential?.kind !== 'registered-key') {
    return refuseChange('credential.unknown', `there is no registered key ${id}`, 'id')
  }
  const isNew = credential.revokedAt === undefined
  const revoked = isNew ? { ...(await endTokensOf(tx, credential, context.now)), revokedAt: context.now } : credential
  if (isNew) await tx.clients.updateCredential(revoked)
  const details = { client_id: credential.clientId, key: credential.name }
  return { ...done(revoked), event: { name: 'registered_key.revoked', subject: id, details } }
}

/** The key of a certificate in PEM. Refuses, with the reason in words, what cannot authenticate anybody now. */
export function readKey(pem: string, now: EpochMs): Result<KeyObject, string> {
  const blocks = pem.match(/-----BEGIN [A-Z0-9 ]+-----/g) ?? []
  if (blocks.some((block) => block.includes('PRIVATE KEY'))) {
    return refused('that holds a private key: keep it, and send the certificate alone')
  }
  if (blocks.length !== 1) return refused('it is not one certificate in PEM')
  let certificate: X509Certificate
  let key: KeyObject
  try {
    certificate = new X509Certificate(pem)
    key = certificate.publicKey
  } catch {
    return refused('it cannot be read as a certificate with a public key')
  }
  if (!isStrongKey(key)) return refused('its key is too weak: take P-256, Ed25519, or RSA of 2048 bits and more')
  if (certificate.validToDate.getTime() <= now) return refused('it has expired')
  return done(key)
}

function nameKey(key: KeyObject): { readonly publicKey: string; readonly name: string } {
  const der = key.export({ format: 'der', type: 'spki' })
  return { publicKey: der.toString('base64url'), name: keyFingerprint(key) }
}

/** By which people compare keys: SHA-256 of the SubjectPublicKeyInfo, hexadecimal. */
export function keyFingerprint(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ format: 'der', type: 'spki' }))
    .digest('hex')
}
