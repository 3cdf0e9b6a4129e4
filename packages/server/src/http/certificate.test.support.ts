// oxlint-disable-next-line import/no-unassigned-import -- @peculiar/x509 wants it loaded first, for what it adds to globals
import 'reflect-metadata'
import { createPrivateKey } from 'node:crypto'
import { chmodSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import * as x509 from '@peculiar/x509'
import type { TlsFiles } from './server-certificate.ts'

export interface TestCertificate {
  readonly certificate: string
  readonly key: string
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** A self-signed certificate for `localhost` and 127.0.0.1 with its key, both PEM; valid for the whole century by default. */
export async function makeCertificate(from = '2000-01-01', until = '2100-01-01'): Promise<TestCertificate> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=localhost',
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(from),
    notAfter: new Date(until),
    extensions: [
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
      ]),
    ],
  })
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey))
  const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' })
  return { certificate: certificate.toString('pem'), key }
}

/** Writes both into `directory`, as a server finds them. */
export function writeCertificate(directory: string, { certificate, key }: TestCertificate): TlsFiles {
  const files = { certificate: path.join(directory, 'chain.pem'), key: path.join(directory, 'key.pem') }
  writeFileSync(files.certificate, certificate)
  writeFileSync(files.key, key, { mode: 0o600 })
  chmodSync(files.key, 0o600)
  return files
}
