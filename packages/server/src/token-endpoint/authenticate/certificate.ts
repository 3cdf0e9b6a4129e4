import type { EpochMs } from '@latchkey/protocol'
import { leafFault, validityFault, weakness, type LeafFault } from '../../certificate-authority/leaf-faults.ts'
import type { ClientAuthentication } from '../../clients/authentication.ts'
import type { CompiledClient, CompiledCredential, CompiledSubject } from '../../clients/compiled-client.ts'
import type { CheckSubject, SubjectFault } from '../../foreign-authorities/verified-chains.ts'
import type { PresentedCertificate } from '../../http/client-certificate.ts'
import { done, refused, type Result } from '../../kernel/result.ts'
import type { AuthenticationRefusal } from './refusals.ts'

/** A certificate that belongs to the client, and holds. */
export interface ProvenCertificate {
  readonly credential: CompiledCredential
  /** `x5t#S256` (RFC 8705 §3.1). */
  readonly thumbprint: string
}

/**
 * Judges the certificate of a connection against a client as it is in memory, at every request: that a handshake succeeded, or was resumed, says
 * only that the other side has the private key. One that the authority issued is recognised by its thumbprint, that is by all of it: what the profile asks
 * for was checked when it was signed. One that the client made itself is recognised by its whole key (RFC 8705 §2.2), and nothing else in it counts but
 * strength and validity. One of a foreign authority is judged whole, with the way to the anchor that is registered for the client, and then by its one
 * registered name (§2.1); its authority's revocation lists are not asked.
 */
export function checkCertificate(
  checkSubject: CheckSubject,
  client: CompiledClient,
  presented: PresentedCertificate | undefined,
  now: EpochMs,
): Result<ProvenCertificate, AuthenticationRefusal> {
  if (presented === undefined) return refused('authentication.certificate_missing')
  const { thumbprint } = presented
  const takes = kindsOf[client.authentication]
  const issued = takes.issued ? client.certificates.get(thumbprint) : undefined
  if (issued !== undefined) {
    if (issued.revokedAt !== undefined) return refused('authentication.certificate_revoked')
    if (issued.notBefore > now) return refused('authentication.certificate_not_yet_valid')
    if (issued.expiresAt !== undefined && issued.expiresAt <= now) return refused('authentication.certificate_expired')
    return done({ credential: issued, thumbprint })
  }
  const registered = takes.registered ? client.registeredKeys.get(presented.publicKey ?? '') : undefined
  if (registered !== undefined) {
    if (registered.revokedAt !== undefined) return refused('authentication.certificate_revoked')
    const fault = validityFault(presented, now) ?? weakness(presented)
    if (fault !== undefined) return refused(reasonOf(fault))
    // The registration has no end; this certificate does, and no token outlives it.
    const expiresAt = presented.x509.validToDate.getTime() as EpochMs
    return done({ credential: { ...registered, expiresAt }, thumbprint })
  }
  const fault = leafFault(presented, now)
  if (fault !== undefined) return refused(reasonOf(fault))
  const subjects = takes.subjects ? client.registeredSubjects : []
  return checkSubjects(checkSubject, subjects, presented, now)
}

/** Each anchor under which the client is registered, those in force first; the refusal is that of the first. */
function checkSubjects(
  checkSubject: CheckSubject,
  subjects: readonly CompiledSubject[],
  presented: PresentedCertificate,
  now: EpochMs,
): Result<ProvenCertificate, AuthenticationRefusal> {
  let refusal: AuthenticationRefusal | undefined
  for (const registered of subjects) {
    const proven = checkSubject(registered, presented, now)
    if (!proven.ok) {
      refusal ??= reasonOf(proven.refusal)
    } else if (registered.revokedAt === undefined) {
      // The registration has no end; this certificate does, and those on its way: no token outlives them.
      return done({ credential: { ...registered, expiresAt: proven.value }, thumbprint: presented.thumbprint })
    } else {
      return refused('authentication.certificate_revoked')
    }
  }
  return refused(refusal ?? 'authentication.certificate_unknown')
}

function reasonOf<Fault extends LeafFault | SubjectFault>(fault: Fault): `authentication.certificate_${Fault}` {
  return `authentication.certificate_${fault}`
}

/** Which certificates count, by how a client authenticates. */
const kindsOf: Readonly<Record<ClientAuthentication, Readonly<Record<'issued' | 'registered' | 'subjects', boolean>>>> =
  {
    secret: { issued: false, registered: false, subjects: false },
    'secret-and-certificate': { issued: true, registered: true, subjects: true },
    mtls: { issued: true, registered: false, subjects: true },
    'self-signed-mtls': { issued: false, registered: true, subjects: false },
  }
