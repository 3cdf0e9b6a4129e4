import { readFileSync } from 'node:fs'
import type { LinkStatus } from '@latchkey/portal-contract'
import { misuse } from '../failure.ts'
import { makeKey } from './make-key.ts'

/** What the claim brings for the certificate that it wants. */
export interface BroughtKey {
  /** What is sent with the claim. */
  readonly sent: { readonly csr?: string; readonly certificate?: string }
  /** Made here, and sent nowhere. */
  readonly privateKey: string | undefined
}

export interface KeyOptions {
  /** A file. */
  readonly csr: string | undefined
  /** A file. */
  readonly certificate: string | undefined
}

/** The key that the link needs: of a file, or made here. Throws Failure for a file that the link has no use for, and for one that cannot be read. */
export async function bringKey(
  { needs_key: needed }: LinkStatus,
  { csr, certificate }: KeyOptions,
): Promise<BroughtKey> {
  if (csr !== undefined && needed !== 'csr') {
    throw misuse('the link takes no --csr: it has its key already, or delivers no certificate', 'leave it out')
  }
  if (certificate !== undefined && needed !== 'certificate') {
    throw misuse(
      'the link takes no --certificate: only one for a client with a certificate of its own does',
      'leave it out',
    )
  }
  switch (needed) {
    case 'csr': {
      if (csr !== undefined) return { sent: { csr: read(csr, '--csr') }, privateKey: undefined }
      const made = await makeKey()
      return { sent: { csr: made.csr }, privateKey: made.privateKey }
    }
    case 'certificate': {
      const file = certificate
      if (file === undefined) {
        throw misuse('the link is for a certificate of your own', 'name its file with --certificate; nothing was spent')
      }
      return { sent: { certificate: read(file, '--certificate') }, privateKey: undefined }
    }
    default:
      return { sent: {}, privateKey: undefined }
  }
}

function read(file: string, option: string): string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw misuse(
      `the file of ${option} cannot be read (${(error as NodeJS.ErrnoException).code ?? ''})`,
      'nothing was spent',
    )
  }
  if (text.includes('PRIVATE KEY'))
    throw misuse(`the file of ${option} holds a private key`, 'it is sent nowhere: name another')
  return text
}
