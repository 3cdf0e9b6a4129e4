import { createHash } from 'node:crypto'
import type { DataKeys } from '../keys/data-keys.ts'
import { seal, unseal } from '../keys/sealing.ts'
import type { Authority, AuthorityRequest, Root } from './authority.ts'
import { importPrivateKey, x509 } from './x509.ts'

/** What a private key is sealed for: opened as anything else it does not open. */
type SealedFor = Root['kind'] | Authority['kind'] | 'request'

/** PKCS #8, sealed for the certificate or the request with this id. */
export function sealPrivateKey(
  dataKeys: DataKeys,
  kind: SealedFor,
  id: string,
  pkcs8: Uint8Array,
): Pick<Authority, 'sealedPrivateKey' | 'dataKeyId'> {
  const dataKeyId = dataKeys.current('sealing')
  return { sealedPrivateKey: seal(dataKeys.sealingKey(dataKeyId), 'authority', `${kind} ${id}`, pkcs8), dataKeyId }
}

/** The private key of an authority, to sign with and not to be exported. Throws when the row is not as it was written. */
export function openAuthority(dataKeys: DataKeys, authority: Root | Authority): Promise<CryptoKey> {
  const { id, kind, certificate, sealedPrivateKey, dataKeyId } = authority
  const pkcs8 =
    fingerprint(new x509.X509Certificate(certificate).rawData) === id
      ? unseal(dataKeys.sealingKey(dataKeyId), 'authority', `${kind} ${id}`, sealedPrivateKey)
      : undefined
  if (pkcs8 === undefined) throw new Error(`the ${kind} certificate authority in the database is not as it was written`)
  return importPrivateKey(pkcs8)
}

/** PKCS #8 of a request, to be sealed again for the certificate that it got. Throws when the row is not as it was written. */
export function openRequest(
  dataKeys: DataKeys,
  { id, sealedPrivateKey, dataKeyId }: Pick<AuthorityRequest, 'id' | 'sealedPrivateKey' | 'dataKeyId'>,
): Buffer {
  const pkcs8 = unseal(dataKeys.sealingKey(dataKeyId), 'authority', `request ${id}`, sealedPrivateKey)
  if (pkcs8 === undefined) throw new Error('the key of the authority request in the database is not as it was written')
  return Buffer.from(pkcs8)
}

/** SHA-256, hexadecimal. */
export function fingerprint(der: ArrayBuffer | Buffer): string {
  return createHash('sha256')
    .update(Buffer.isBuffer(der) ? der : Buffer.from(der))
    .digest('hex')
}
