import { KeyObject } from 'node:crypto'
import type { Change, ChangeContext, ChangeOutcome } from '../audit/change.ts'
import type { ClientId } from '../clients/client.ts'
import type { EndAccessTransaction } from '../clients/end-access.ts'
import { makeCertificateCredential, type CredentialMaker } from '../clients/secrets.ts'
import { findClient } from '../clients/update-client.ts'
import { refuseChange, type ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import { chainOf } from './authority.ts'
import type { IssuedCertificate } from './certificate.ts'
import type { CertificateWrites } from './ports.ts'
import { lifetimes } from './profile.ts'
import { readCsr, type ReadCsr } from './read-csr.ts'
import { newSerial } from './serial.ts'
import { signLeaf } from './sign-leaf.ts'
import { theAuthority } from './the-authority.ts'
import { exportPrivateKey, generateKeyPair, pem } from './x509.ts'

export interface CertificateTransaction extends EndAccessTransaction {
  readonly certificates: CertificateWrites
}

export interface CertificateMaker extends CredentialMaker {
  /** Under which the authority is published, and clients are named. */
  readonly issuer: string
}

export interface IssueInput {
  /** PEM, or DER in base64; undefined: the key is made here, and answered once. */
  readonly csr: string | undefined
  /** At most 90 days, which is the default. */
  readonly lifetimeSeconds: number | undefined
}

export interface Issued {
  readonly certificate: IssuedCertificate
  /** The intermediate, and the root where it certifies nobody else; PEM. */
  readonly chain: string
  /** PKCS #8 in PEM, where it was made here; kept nowhere. */
  readonly privateKey: string | undefined
  /** What the request asked for in vain. */
  readonly ignored: readonly string[]
}

/**
 * Issues a certificate to a client for the public key of its request, or for a key that is made here. The authority is made at the first one. Refuses with `client.unknown`,
 * `client.is_resource_server`, `certificate.csr_invalid`.
 */
export async function issueCertificate(
  change: Change<CertificateTransaction>,
  maker: CertificateMaker,
  context: ChangeContext,
  clientId: ClientId,
  { csr, lifetimeSeconds }: IssueInput,
): Promise<Result<Issued, ChangeRefusal>> {
  const read = csr === undefined ? done(await makeLeafKey()) : await readCsr(csr)
  if (!read.ok) return refuseChange('certificate.csr_invalid', read.refusal, 'csr')
  return change(context, async (tx) => {
    const found = await findClient(tx.clients, clientId)
    return found.ok ? issueWithin(tx, maker, context, clientId, { ...read.value, lifetimeSeconds }) : found
  })
}

/** What a certificate is issued for: a key, and a life. */
export interface IssueOrder extends ReadCsr {
  readonly lifetimeSeconds: number | undefined
  /** The certificate that this one renews. */
  readonly renews?: IssuedCertificate
}

/** Issues a certificate to a client that is there, as a part of a larger change. */
export async function issueWithin(
  tx: CertificateTransaction,
  maker: CertificateMaker,
  context: ChangeContext,
  clientId: ClientId,
  { publicKey, privateKey, ignored, lifetimeSeconds, renews }: IssueOrder,
): Promise<ChangeOutcome<Issued, ChangeRefusal>> {
  const { issuer, random, dataKeys } = maker
  const { host } = new URL(issuer)
  const { authority, parts } = await theAuthority(tx.certificates, { random, dataKeys, host }, context.now)
  const subjectUri = (await tx.certificates.subjectUriOf(clientId)) ?? `${issuer}/clients/${clientId}`
  const serial = newSerial(random)
  const lifetimeMs = lifetimeSeconds === undefined ? lifetimes.leaf : lifetimeSeconds * 1000
  const request = { serial, commonName: clientId, subjectUri, publicKey, lifetimeMs, place: `${issuer}/ca` }
  const signed = await signLeaf(dataKeys, authority, request, context.now)
  const credential = makeCertificateCredential(maker, clientId, {
    name: `certificate ${serial.slice(0, 8)}`,
    now: context.now,
    expiresAt: signed.notAfter,
    parentId: renews?.credentialId,
  })
  await tx.clients.insertCredential(credential)
  const certificate: IssuedCertificate = {
    serial,
    clientId,
    credentialId: credential.id,
    authorityId: authority.id,
    ...signed,
    subjectUri,
    createdAt: context.now,
    createdBy: context.actor,
    revokedAt: undefined,
    revocationReason: undefined,
  }
  await tx.certificates.insert(certificate)
  const { thumbprint, notAfter } = signed
  return {
    ...done({
      certificate,
      chain: chainOf(authority),
      privateKey,
      ignored,
    }),
    parts,
    event: {
      name: 'certificate.issued',
      subject: serial,
      details: { client_id: clientId, thumbprint, not_after: notAfter, renews: renews?.serial },
    },
  }
}

/** A key for a client that brings no request: the only private key of a client that is ever here, and only while it is answered. */
export async function makeLeafKey(): Promise<ReadCsr & { readonly privateKey: string }> {
  const { publicKey, privateKey } = await generateKeyPair()
  const pkcs8 = await exportPrivateKey(privateKey)
  return {
    publicKey: KeyObject.from(publicKey),
    privateKey: pem('PRIVATE KEY', new Uint8Array(pkcs8).buffer),
    ignored: [],
  }
}
