import { makeLeafKey } from '../certificate-authority/issue-certificate.ts'
import { readCsr, type ReadCsr } from '../certificate-authority/read-csr.ts'
import type { ClientAuthentication } from '../clients/authentication.ts'
import { done, refused, type Result } from '../kernel/result.ts'
import type { DeliveryLink } from './link.ts'

/** What a claim brings beside the key of its link; absent where nothing is needed. */
export interface BroughtKey {
  /** PEM, or DER in base64. */
  readonly csr?: string | undefined
  /** The server shall make the key. */
  readonly makesKey?: boolean | undefined
  /** The client's own certificate, PEM. */
  readonly certificate?: string | undefined
}

/** What the claim of a link has to bring. */
export type NeededKey = 'none' | 'csr' | 'certificate'

/** Why a claim's key was not taken, where the link itself is right. */
export interface KeyRefusal {
  readonly reason: 'link.key_needed' | 'link.key_unwanted' | 'link.key_unsuitable'
  /** What is wrong with it, in words. */
  readonly message: string | undefined
}

type KeyOfLink = Pick<DeliveryLink, 'csr' | 'ownCertificate'>

/** A link whose request named the key is for that key alone: whoever else opens it gets a certificate that he cannot use. */
export function neededKey({ csr, ownCertificate }: KeyOfLink, authentication: ClientAuthentication): NeededKey {
  switch (authentication) {
    case 'secret':
      return 'none'
    case 'self-signed-mtls':
      return ownCertificate === undefined ? 'certificate' : 'none'
    default:
      return csr === undefined ? 'csr' : 'none'
  }
}

/** What of a claim fits its link: nothing is passed over in silence. */
export function refuseMisfit(needed: NeededKey, brought: BroughtKey): { ok: false; refusal: KeyRefusal } | undefined {
  const fits: Readonly<Record<NeededKey, number>> = {
    none: 0,
    csr: Number(brought.csr !== undefined) + Number(brought.makesKey === true),
    certificate: Number(brought.certificate !== undefined),
  }
  const all = Object.values(brought).filter((value) => value !== undefined && value !== false).length
  if (all > fits[needed] || fits[needed] > 1) return refuseKey('link.key_unwanted')
  return needed !== 'none' && fits[needed] === 0 ? refuseKey('link.key_needed') : undefined
}

/** The key that the certificate is issued for: the request's, the claim's, or one that is made now. Refuses with `link.key_unsuitable`. */
export async function keyForCertificate(
  { csr: ofRequest }: KeyOfLink,
  { csr: ofClaim }: BroughtKey,
): Promise<Result<ReadCsr, KeyRefusal>> {
  const csr = ofRequest ?? ofClaim
  if (csr === undefined) return done(await makeLeafKey())
  const read = await readCsr(csr)
  return read.ok ? read : refuseKey('link.key_unsuitable', read.refusal)
}

export function refuseKey(
  reason: KeyRefusal['reason'],
  message?: string,
): { readonly ok: false; readonly refusal: KeyRefusal } {
  return refused({ reason, message })
}
