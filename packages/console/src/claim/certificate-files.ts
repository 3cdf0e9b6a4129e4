import type { ClaimedCredential } from '@latchkey/portal-contract'

/** A file that belongs to a certificate. */
export interface CertificateFile {
  readonly name: string
  readonly what: string
  readonly content: string | Uint8Array<ArrayBuffer>
  /** Whoever has it can be the client. */
  readonly isSecret: boolean
}

/** What a claim answered, as the files that programs take. */
export function certificateFiles({ certificate, server_ca: authority }: ClaimedCredential): readonly CertificateFile[] {
  const files: CertificateFile[] = []
  if (certificate !== undefined) {
    const { certificate: leaf, chain, private_key: key, pkcs12 } = certificate
    files.push({ name: 'client.pem', what: 'the certificate and its chain', content: leaf + chain, isSecret: false })
    if (key !== undefined) files.push({ name: 'client.key', what: 'its private key', content: key, isSecret: true })
    if (pkcs12 !== undefined) {
      const content = Uint8Array.from(atob(pkcs12), (character) => character.charCodeAt(0))
      files.push({ name: 'client.p12', what: 'all of it, for Java and .NET', content, isSecret: true })
    }
  }
  if (authority !== undefined) {
    const what = 'what this server is trusted by where certificates are shown'
    files.push({ name: 'server-ca.pem', what, content: authority, isSecret: false })
  }
  return files
}

/** What to write on a command line of curl, before the address: the files as they are saved. */
export function curlOptions({ server_ca: authority }: ClaimedCredential): string {
  return `${authority === undefined ? '' : '--cacert server-ca.pem '}--cert client.pem --key client.key`
}

/** For the variables: where the files are. */
export function fileVariables({ server_ca: authority }: ClaimedCredential): string {
  const trust = authority === undefined ? '' : 'LATCHKEY_MTLS_CA_FILE=server-ca.pem\n'
  return `LATCHKEY_CERT_FILE=client.pem\nLATCHKEY_KEY_FILE=client.key\n${trust}`
}
