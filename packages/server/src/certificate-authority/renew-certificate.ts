import { X509Certificate, type KeyObject } from 'node:crypto'
import type { EpochMs } from '@latchkey/protocol'
import type { Change, ChangeContext } from '../audit/change.ts'
import { findClient } from '../clients/update-client.ts'
import { refuseChange, type ChangeRefusal } from '../kernel/refusal.ts'
import type { Result } from '../kernel/result.ts'
import type { IssuedCertificate, Serial } from './certificate.ts'
import { issueWithin, type CertificateMaker, type CertificateTransaction, type Issued } from './issue-certificate.ts'
import { readCsr } from './read-csr.ts'
import { renewalsOf } from './renewals.ts'
import { revokeWithin } from './revoke-certificate.ts'

export interface RenewalInput {
  /** PEM, or DER in base64. */
  readonly csr: string
  /** Whether its owner asks for it, who may in the last third of its life only; or the team, which may at any time. */
  readonly by: 'owner' | 'team'
}

/** Renewals that may get lost on their way: each stays on record and in the revocation list, and is looked at by the next. */
const maxUnused = 10

/**
 * Issues the certificate that follows another: to the same client, for a new key, for the usual life. The old one stays good until its end, or until it is
 * revoked, so that both overlap. Asked for again before the renewal was ever used (its answer got lost), that one is revoked and another issued; once it
 * was used, it is refused: the next renewal is by the new certificate. Refuses with `certificate.unknown`, `certificate.ended`, `certificate.too_early`,
 * `certificate.renewed`, `certificate.csr_invalid`, `client.disabled`.
 */
export async function renewCertificate(
  change: Change<CertificateTransaction>,
  maker: CertificateMaker,
  context: ChangeContext,
  serial: Serial,
  { csr, by }: RenewalInput,
): Promise<Result<Issued, ChangeRefusal>> {
  const read = await readCsr(csr)
  if (!read.ok) return refuseChange('certificate.csr_invalid', read.refusal, 'csr')
  return change(context, async (tx) => {
    const before = await tx.certificates.find(serial)
    if (before === undefined) return refuseChange('certificate.unknown', `there is no certificate ${serial}`, 'serial')
    const refusal = judge(before, by, context.now)
    if (refusal !== undefined) return refusal
    if (!isOtherKey(before, read.value.publicKey)) {
      return refuseChange('certificate.csr_invalid', 'its key is that of the certificate: make a new one', 'csr')
    }
    const found = await findClient(tx.clients, before.clientId)
    if (!found.ok) return found
    const { client, credentials } = found.value
    if (client.state !== 'enabled') {
      return refuseChange('client.disabled', `${client.clientId} is disabled: nothing of it is renewed`)
    }
    const used = new Set(credentials.filter(({ lastUsedAt }) => lastUsedAt !== undefined).map(({ id }) => id))
    const all = await renewalsOf(tx, before)
    if (by === 'owner' && all.length >= maxUnused && !all.some(({ credentialId }) => used.has(credentialId))) {
      const message = `${serial} was renewed ${all.length} times, and none of those was used: the team can renew it`
      return refuseChange('certificate.renewed', message, 'serial')
    }
    const renewals = all.filter(({ revokedAt }) => revokedAt === undefined)
    const inUse = renewals.find(({ credentialId }) => used.has(credentialId))
    if (inUse !== undefined) {
      return refuseChange('certificate.renewed', `${inUse.serial} has followed it, and is in use`, 'serial')
    }
    for (const unused of renewals) await revokeWithin(tx, unused, 'superseded', context.now)
    return issueWithin(tx, maker, context, before.clientId, {
      ...read.value,
      lifetimeSeconds: undefined,
      renews: before,
    })
  })
}

function judge(before: IssuedCertificate, by: RenewalInput['by'], now: EpochMs) {
  const { serial, revokedAt, notBefore, notAfter } = before
  if (revokedAt !== undefined) return refuseChange('certificate.ended', `${serial} has been revoked`, 'serial')
  if (by === 'team') return undefined
  if (notAfter <= now) return refuseChange('certificate.ended', `${serial} has expired`, 'serial')
  const from = notAfter - (notAfter - notBefore) / 3
  return now < from
    ? refuseChange(
        'certificate.too_early',
        `${serial} can be renewed from ${new Date(from).toISOString()} on`,
        'serial',
      )
    : undefined
}

function isOtherKey({ certificate }: IssuedCertificate, key: KeyObject): boolean {
  return !new X509Certificate(certificate).publicKey.equals(key)
}
