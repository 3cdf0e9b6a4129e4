import type { IssuedCertificate } from './certificate.ts'
import type { CertificateTransaction } from './issue-certificate.ts'

/** The certificates that renewed this one, directly or through others, the revoked ones included; none once the client is gone. */
export async function renewalsOf(
  tx: Pick<CertificateTransaction, 'clients' | 'certificates'>,
  { clientId, credentialId }: IssuedCertificate,
): Promise<IssuedCertificate[]> {
  const record = await tx.clients.find(clientId)
  const line = [credentialId]
  const found: IssuedCertificate[] = []
  for (const parent of line) {
    for (const credential of record?.credentials ?? []) {
      if (credential.parentId !== parent || line.includes(credential.id)) continue
      line.push(credential.id)
      const certificate = await tx.certificates.findByCredential(credential.id)
      if (certificate !== undefined) found.push(certificate)
    }
  }
  return found
}
