import type * as contract from '@latchkey/admin-contract'
import { toSeconds } from '@latchkey/protocol'
import { anchorOf, type Authority } from '../../certificate-authority/authority.ts'
import { x509 } from '../../certificate-authority/x509.ts'
import { optionalSeconds } from '../shapes.ts'

/** An authority as the contract spells it. */
export function authorityRecord(authority: Authority, issuer: string, isRenewable: boolean): contract.AuthorityRecord {
  const { id, certificate, publishedAs, createdAt, notAfter, replacedAt } = authority
  return {
    id,
    state: replacedAt === undefined ? 'signing' : 'replaced',
    subject: new x509.X509Certificate(certificate).subject,
    certificate,
    anchor: anchorOf(authority),
    renewable: isRenewable && replacedAt === undefined,
    revocation_list: `${issuer}/ca/${publishedAs}.crl`,
    created_at: toSeconds(createdAt),
    not_after: toSeconds(notAfter),
    replaced_at: optionalSeconds(replacedAt),
  }
}
