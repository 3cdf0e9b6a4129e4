import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Whether certificates can be made on this machine. */
export function hasOpenssl(): Promise<boolean> {
  return run('openssl', ['version']).then(
    ({ stdout }) => stdout.startsWith('OpenSSL 3'),
    () => false,
  )
}

/** PEM, in files and read. */
export interface Certified {
  readonly certificateFile: string
  readonly keyFile: string
  readonly certificate: string
  readonly key: string
}

export interface CertificateMaker {
  /** `extensions` are lines of an extension file; without an issuer it is self-signed. */
  make(name: string, extensions: string, issuer?: Certified): Promise<Certified>
  /** A signing request and its key. */
  request(name: string): Promise<{ readonly csr: string; readonly keyFile: string }>
}

export const authorityLines =
  'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n'
export const serverLines = 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n'

/** Makes certificates as people do: with openssl, in this folder. */
export function certificateMaker(folder: string): CertificateMaker {
  const inFolder = (file: string) => path.join(folder, file)
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const request = async (name: string) => {
    const [keyFile, csrFile] = [inFolder(`${name}.key`), inFolder(`${name}.csr`)]
    await run('openssl', ['req', '-new', ...newKey, '-keyout', keyFile, '-subj', `/CN=${name}`, '-out', csrFile])
    return { csr: readFileSync(csrFile, 'utf8'), keyFile }
  }
  return {
    request,
    async make(name, extensions, issuer) {
      const { keyFile } = await request(name)
      const certificateFile = inFolder(`${name}.pem`)
      const extensionFile = inFolder(`${name}.ext`)
      writeFileSync(extensionFile, extensions)
      const by =
        issuer === undefined ? ['-signkey', keyFile] : ['-CA', issuer.certificateFile, '-CAkey', issuer.keyFile]
      const signed = ['x509', '-req', '-in', inFolder(`${name}.csr`), '-days', '30', '-extfile', extensionFile]
      await run('openssl', [...signed, ...by, '-out', certificateFile])
      return {
        certificateFile,
        keyFile,
        certificate: readFileSync(certificateFile, 'utf8'),
        key: readFileSync(keyFile, 'utf8'),
      }
    },
  }
}
