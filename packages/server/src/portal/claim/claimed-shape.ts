import type { ClaimedCertificate, ClaimedCredential } from '@latchkey/portal-contract'
import { toSeconds } from '@latchkey/protocol'
import type { Issued } from '../../certificate-authority/issue-certificate.ts'
import { makeProtectedPkcs12 } from '../../certificate-authority/pkcs12.ts'
import type { Claimed } from '../../delivery-links/claim-link.ts'
import type { PortalServices } from '../services.ts'

type Surroundings = Pick<PortalServices, 'issuer' | 'tokenEndpoint' | 'mtls' | 'serverTrust' | 'random'>

/** What a claim made, as it is answered: the only answer that ever holds it. */
export async function claimedShape(
  { issuer, tokenEndpoint, mtls, serverTrust, random }: Surroundings,
  claimed: Claimed,
): Promise<ClaimedCredential> {
  const { clientId, clientName, authentication, secret, certificate, registeredKey, scopes } = claimed
  const takesCertificate = authentication !== 'secret'
  return {
    issuer,
    token_endpoint: tokenEndpoint,
    client_id: clientId,
    client_name: clientName,
    authentication,
    client_secret: secret?.clientSecret,
    certificate: certificate && (await certificateShape(certificate, random)),
    registered_key: registeredKey,
    mtls_token_endpoint: takesCertificate ? mtls?.tokenEndpoint : undefined,
    server_ca: takesCertificate ? serverTrust() : undefined,
    scopes: [...scopes],
    ...(secret?.expiresAt === undefined ? {} : { expires_at: toSeconds(secret.expiresAt) }),
    receipt: claimed.receipt,
    confirm_by: toSeconds(claimed.confirmBy),
  }
}

async function certificateShape(
  { certificate, chain, privateKey, ignored }: Issued,
  random: Surroundings['random'],
): Promise<ClaimedCertificate> {
  const { serial, certificate: leaf, notAfter, clientId: name } = certificate
  const shape = { serial, certificate: leaf, chain, not_after: toSeconds(notAfter), ignored: [...ignored] }
  if (privateKey === undefined) return shape
  const made = await makeProtectedPkcs12(random, { certificate: leaf, chain, privateKey, name })
  return { ...shape, private_key: privateKey, pkcs12: made.pkcs12, pkcs12_password: made.password }
}
