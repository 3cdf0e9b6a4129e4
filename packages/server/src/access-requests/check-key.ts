import type { KeyObject } from 'node:crypto'
import type { AccessRequestForm, AuthenticationMethod } from '@latchkey/portal-contract'
import type { EpochMs } from '@latchkey/protocol'
import { readCsr } from '../certificate-authority/read-csr.ts'
import { keyFingerprint, readKey } from '../clients/register-key.ts'
import { done, type Result } from '../kernel/result.ts'
import type { FormProblem } from './form-problem.ts'

/** What somebody pasted, as far as people compare it. */
export interface CheckedKey {
  /** SHA-256 of the SubjectPublicKeyInfo, hexadecimal. */
  readonly fingerprint: string
  readonly ignored: readonly string[]
}

type Pasted = Pick<AccessRequestForm, 'csr' | 'certificate'>

/** Reads a signing request, or else a certificate. Refuses, with the reason in words, what could not be taken at the claim; undefined for neither. */
export async function readPasted(
  { csr, certificate }: Pasted,
  now: EpochMs,
): Promise<Result<CheckedKey, string> | undefined> {
  if (csr !== undefined) {
    const read = await readCsr(csr)
    return read.ok ? named(read.value.publicKey, read.value.ignored) : read
  }
  if (certificate === undefined) return undefined
  const read = readKey(certificate, now)
  return read.ok ? named(read.value, []) : read
}

function named(key: KeyObject, ignored: readonly string[]): Result<CheckedKey, never> {
  return done({ fingerprint: keyFingerprint(key), ignored })
}

/** What is wrong with how a program wants to prove who it is. */
export async function checkAuthentication(
  form: AccessRequestForm,
  offered: readonly AuthenticationMethod[],
  now: EpochMs,
): Promise<readonly FormProblem[]> {
  const { authentication, csr, certificate, client_id: clientId } = form
  if (!offered.includes(authentication)) {
    return [invalid('authentication', `this server offers ${offered.join(', ')}`)]
  }
  if (clientId !== undefined && authentication !== 'secret') {
    return [invalid('authentication', 'a client that is there keeps its way to prove who it is: leave this at secret')]
  }
  if (csr !== undefined && !takesCsr(authentication)) {
    return [invalid('csr', `with ${authentication} no certificate is issued: leave the signing request out`)]
  }
  if (certificate !== undefined && authentication !== 'self-signed-mtls') {
    return [invalid('certificate', `with ${authentication} no certificate of your own counts: leave it out`)]
  }
  const read = await readPasted(form, now)
  return read?.ok === false ? [invalid(csr === undefined ? 'certificate' : 'csr', read.refusal)] : []
}

export function takesCsr(authentication: AuthenticationMethod): boolean {
  return authentication === 'mtls' || authentication === 'secret-and-certificate'
}

function invalid(field: string, message: string): FormProblem {
  return { reason: 'request.invalid', field, message }
}
