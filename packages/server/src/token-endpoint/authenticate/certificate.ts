import type { EpochMs } from '@latchkey/protocol'
import { leafFault, validityFault, weakness, type LeafFault } from '../../certificate-authority/leaf-faults.ts'
import type { ClientAuthentication } from '../../clients/authentication.ts'
import type { CompiledClient, CompiledCredential } from '../../clients/compiled-client.ts'
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
 * strength and validity.
 */
export function checkCertificate(
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
  return refused(fault === undefined ? 'authentication.certificate_unknown' : reasonOf(fault))
}

function reasonOf<Fault extends LeafFault>(fault: Fault): `authentication.certificate_${Fault}` {
  return `authentication.certificate_${fault}`
}

/** Which certificates count, by how a client authenticates. */
const kindsOf: Readonly<Record<ClientAuthentication, { readonly issued: boolean; readonly registered: boolean }>> = {
  secret: { issued: false, registered: false },
  'secret-and-certificate': { issued: true, registered: true },
  mtls: { issued: true, registered: false },
  'self-signed-mtls': { issued: false, registered: true },
}
