import type { Change, ChangeContext } from '../audit/change.ts'
import { subjectKinds, type RegisteredSubject, type SubjectKind } from '../clients/client-certificate.ts'
import type { ClientId } from '../clients/client.ts'
import type { Credential, CredentialId } from '../clients/credential.ts'
import { endTokensOf, type EndAccessTransaction } from '../clients/end-access.ts'
import { makeCertificateCredential, type CredentialMaker } from '../clients/secrets.ts'
import { findClient } from '../clients/update-client.ts'
import { refuseChange, type ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import { readAnchor } from './read-anchor.ts'
import { readIdentifier } from './subject-identifier.ts'

/** Of the five names (RFC 8705 §2.1.2) exactly one. */
export type SubjectInput = Readonly<Partial<Record<SubjectKind, string | undefined>>> & {
  /** PEM. */
  readonly anchor: string
}

/** A registration with the credential that it is. */
export interface SubjectRegistration {
  readonly credential: Credential
  readonly registered: RegisteredSubject
}

/**
 * Registers the name by which certificates of a foreign authority are recognised as a client's (`tls_client_auth`, RFC 8705 §2.1.2), and that authority's certificate: for this
 * client alone. A client has one name; it can be registered under several anchors, so that an authority can be changed. Refuses with `client.unknown`,
 * `client.is_resource_server`, `client.takes_no_foreign_certificate`, `client.has_another_subject`, `subject.invalid`, `certificate.unsuitable`.
 */
export function registerSubject(
  change: Change<EndAccessTransaction>,
  maker: CredentialMaker,
  context: ChangeContext,
  clientId: ClientId,
  input: SubjectInput,
): Promise<Result<SubjectRegistration, ChangeRefusal>> {
  return change(context, async (tx) => {
    const found = await findClient(tx.clients, clientId)
    if (!found.ok) return found
    const { client, certificates, credentials } = found.value
    if (client.authentication === 'self-signed-mtls') {
      const message = `${clientId} authenticates by a key that is registered for it: \`latchkey cert register --certificate\``
      return refuseChange('client.takes_no_foreign_certificate', message, 'client_id')
    }
    const named = subjectKinds.filter((kind) => input[kind] !== undefined)
    const [subjectKind] = named
    if (subjectKind === undefined || named.length > 1) {
      const message = 'a client is recognised by exactly one name (RFC 8705 §2.1.2): one of the five'
      return refuseChange('subject.invalid', message, named[1] ?? 'subject_dn')
    }
    const subject = input[subjectKind] ?? ''
    const identifier = readIdentifier(subjectKind, subject)
    if (!identifier.ok) return refuseChange('subject.invalid', identifier.refusal, subjectKind)
    const anchor = readAnchor(input.anchor, context.now)
    if (!anchor.ok) return refuseChange('certificate.unsuitable', anchor.refusal, 'anchor')
    const inForce = certificates.filter(
      (one) =>
        one.kind === 'subject' &&
        credentials.some((each) => each.id === one.credentialId && each.revokedAt === undefined),
    )
    for (const one of inForce) {
      if (one.kind !== 'subject') continue
      if (one.subjectKind !== subjectKind || one.subject !== subject) {
        const message = `it is registered as ${one.subjectKind} ${one.subject}: end that first (${one.credentialId})`
        return refuseChange('client.has_another_subject', message, subjectKind)
      }
      if (one.anchor === input.anchor) {
        return refuseChange('certificate.unsuitable', 'it is registered under this anchor already', 'anchor')
      }
    }
    const credential: Credential = {
      ...makeCertificateCredential(maker, clientId, { name: `${subjectKind} ${subject}`, now: context.now }),
      kind: 'registered-subject',
    }
    const registered: RegisteredSubject = {
      kind: 'subject',
      credentialId: credential.id,
      subjectKind,
      subject,
      anchor: input.anchor,
    }
    await tx.clients.insertCredential(credential)
    await tx.clients.insertRegisteredSubject(registered)
    const details = { client_id: clientId, [subjectKind]: subject, anchor: thumbprintOf(anchor.value.anchor.x509) }
    return {
      ...done({ credential, registered }),
      event: { name: 'registered_subject.created', subject: credential.id, details },
    }
  })
}

/** Ends a registration, and the tokens that were got with it. Repeating it changes nothing further. Refuses with `credential.unknown`. */
export function revokeRegisteredSubject(
  change: Change<EndAccessTransaction>,
  context: ChangeContext,
  id: CredentialId,
): Promise<Result<SubjectRegistration, ChangeRefusal>> {
  return change(context, async (tx) => {
    const credential = await tx.clients.findCredential(id)
    const record = credential && (await tx.clients.find(credential.clientId))
    const registered = record?.certificates.find((one) => one.credentialId === id)
    if (credential === undefined || registered?.kind !== 'subject') {
      return refuseChange('credential.unknown', `there is no registered subject ${id}`, 'id')
    }
    const isNew = credential.revokedAt === undefined
    const revoked = isNew ? { ...(await endTokensOf(tx, credential, context.now)), revokedAt: context.now } : credential
    if (isNew) await tx.clients.updateCredential(revoked)
    const details = { client_id: credential.clientId, [registered.subjectKind]: registered.subject }
    return {
      ...done({ credential: revoked, registered }),
      event: { name: 'registered_subject.revoked', subject: id, details },
    }
  })
}

function thumbprintOf(x509: { readonly fingerprint256: string }): string {
  return x509.fingerprint256.replaceAll(':', '').toLowerCase()
}
