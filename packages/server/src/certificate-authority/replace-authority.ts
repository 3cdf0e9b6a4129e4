import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { EpochMs } from '@latchkey/protocol'
import type { Change, ChangeContext } from '../audit/change.ts'
import { refuseChange, type ChangeRefusal } from '../kernel/refusal.ts'
import { done, type Result } from '../kernel/result.ts'
import type { Authority, AuthorityRequest } from './authority.ts'
import {
  authorityExtensions,
  authorityName,
  makeIntermediate,
  publishedName,
  type AuthorityMaker,
} from './make-authority.ts'
import type { CertificateWrites } from './ports.ts'
import { readAuthority } from './read-authority.ts'
import { fingerprint, openRequest, sealPrivateKey } from './sealed-authority.ts'
import { firstPublishedName } from './the-authority.ts'
import { exportPrivateKey, generateKeyPair, signatureAlgorithm, x509 } from './x509.ts'

interface Transaction {
  readonly certificates: CertificateWrites
}

/**
 * Makes a key here, and the request by which an authority elsewhere can make it an intermediate. While one waits, it is answered again, so that what is being signed is
 * not lost; `anew` drops it and makes another.
 */
export function requestAuthority(
  change: Change<Transaction>,
  { dataKeys, host }: AuthorityMaker,
  context: ChangeContext,
  anew: boolean,
): Promise<Result<AuthorityRequest, ChangeRefusal>> {
  return change(context, async ({ certificates }) => {
    const waiting = await certificates.authorityRequest()
    const event = { name: 'authority.requested', subject: '', details: {} } as const
    if (waiting !== undefined && !anew) {
      return { ...done(waiting), event: { ...event, subject: waiting.id.slice(0, 32), details: { repeated: true } } }
    }
    const keys = await generateKeyPair()
    const csr = await x509.Pkcs10CertificateRequestGenerator.create({
      name: authorityName(host),
      keys,
      signingAlgorithm: signatureAlgorithm(keys.privateKey),
      extensions: authorityExtensions(),
    })
    const id = fingerprint(Buffer.from(csr.publicKey.rawData))
    const request: AuthorityRequest = {
      id,
      csr: `${csr.toString('pem')}\n`,
      ...sealPrivateKey(dataKeys, 'request', id, await exportPrivateKey(keys.privateKey)),
      createdAt: context.now,
    }
    if (waiting !== undefined) await certificates.deleteAuthorityRequest(waiting.id)
    await certificates.insertAuthorityRequest(request)
    return { ...done(request), event: { ...event, subject: id.slice(0, 32) } }
  })
}

export interface AuthorityInput {
  /** PEM. */
  readonly certificate: string
  /** PEM: a root that certifies nobody else, to be published as the anchor. Absent: the certificate itself is the anchor. */
  readonly root: string | undefined
  /** PEM, not encrypted. Absent: that of the request that waits. */
  readonly privateKey: string | undefined
}

/**
 * Lets an intermediate sign that an authority elsewhere certified, for a key that was made here or is brought along. The one before signs no certificates any more; those that it
 * signed stay good. Refuses with `authority.unsuitable`, `authority.not_requested`.
 */
export function installAuthority(
  change: Change<Transaction>,
  { dataKeys, issuer }: Pick<AuthorityMaker, 'dataKeys'> & { readonly issuer: string },
  context: ChangeContext,
  input: AuthorityInput,
): Promise<Result<Authority, ChangeRefusal>> {
  return change(context, async ({ certificates }) => {
    const read = readAuthority(input.certificate, input.root, issuer, context.now)
    if (!read.ok) return refuseChange('authority.unsuitable', read.refusal.reason, read.refusal.field)
    const { x509: certificate, root } = read.value
    const waiting = await certificates.authorityRequest()
    if (input.privateKey === undefined && waiting === undefined) {
      return refuseChange('authority.not_requested', 'no request waits for a certificate', 'certificate')
    }
    const key =
      input.privateKey === undefined && waiting !== undefined
        ? createPrivateKey({ key: openRequest(dataKeys, waiting), format: 'der', type: 'pkcs8' })
        : readPrivateKey(input.privateKey ?? '')
    if (key === undefined) {
      return refuseChange('authority.unsuitable', 'it is no private key in PEM that is not encrypted', 'private_key')
    }
    if (!certificate.checkPrivateKey(key)) {
      const message =
        input.privateKey === undefined ? 'it is not for the key of the request that waits' : 'the key is another’s'
      return refuseChange('authority.unsuitable', message, 'certificate')
    }
    const id = fingerprint(certificate.raw)
    const all = await certificates.authorities()
    if (all.some((one) => one.id === id)) {
      return refuseChange('authority.unsuitable', 'it has been put in force before', 'certificate')
    }
    const authority: Authority = {
      kind: 'intermediate',
      id,
      certificate: certificate.toString(),
      ...sealPrivateKey(dataKeys, 'intermediate', id, key.export({ format: 'der', type: 'pkcs8' })),
      root,
      publishedAs: all.length === 0 ? firstPublishedName : publishedName(id),
      createdAt: context.now,
      notAfter: certificate.validToDate.getTime() as EpochMs,
      replacedAt: undefined,
    }
    const replaced = await replace(certificates, authority, context.now)
    // Ours signs nothing any more that others would have to trust it for.
    await certificates.replaceRoot(context.now)
    if (waiting !== undefined && input.privateKey === undefined) await certificates.deleteAuthorityRequest(waiting.id)
    const details = { replaces: replaced?.id, brought: input.privateKey === undefined ? 'certificate' : 'key' }
    return { ...done(authority), event: { name: 'authority.installed', subject: id.slice(0, 32), details } }
  })
}

/** Makes another intermediate under our own root, and lets it sign. Refuses with `authority.not_ours` where the operator brought one, or there is none. */
export function rotateAuthority(
  change: Change<Transaction>,
  maker: AuthorityMaker,
  context: ChangeContext,
): Promise<Result<Authority, ChangeRefusal>> {
  return change(context, async ({ certificates }) => {
    const root = await certificates.root()
    if (root === undefined) {
      return refuseChange('authority.not_ours', 'this server has no root of its own that could certify another')
    }
    const authority = await makeIntermediate(maker, root, undefined, context.now)
    const replaced = await replace(certificates, authority, context.now)
    const details = { replaces: replaced?.id, root: root.id }
    return { ...done(authority), event: { name: 'authority.installed', subject: authority.id.slice(0, 32), details } }
  })
}

async function replace(certificates: CertificateWrites, authority: Authority, now: EpochMs) {
  const before = await certificates.authority()
  if (before !== undefined) await certificates.replaceAuthority(before.id, now)
  await certificates.insertAuthority(authority)
  return before
}

function readPrivateKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey({ key: pem, format: 'pem' })
  } catch {
    return undefined
  }
}
