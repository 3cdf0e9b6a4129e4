import { createHash } from 'node:crypto'
import {
  Constructed,
  Enumerated,
  fromBER,
  GeneralizedTime,
  OctetString,
  Primitive,
  type BaseBlock,
  type Integer,
} from 'asn1js'
import {
  BasicOCSPResponse,
  Certificate,
  Extension,
  OCSPRequest,
  OCSPResponse,
  ResponseBytes,
  SingleResponse,
  type CertID,
} from 'pkijs'
import type { EpochMs } from '@latchkey/protocol'
import type { Clock } from '../kernel/clock.ts'
import type { DataKeys } from '../keys/data-keys.ts'
import type { Authority } from './authority.ts'
import type { IssuedCertificate, RevocationReason, Serial } from './certificate.ts'
import type { CertificateReads } from './ports.ts'
import { openAuthority } from './sealed-authority.ts'
import { parseLimits, signatureAlgorithm, x509 } from './x509.ts'

/** Answers one request in DER with one in DER. Never throws for what is asked; throws Fault `store.unavailable`. */
export type OcspResponder = (request: Uint8Array) => Promise<Buffer>

/** How long an answer may be used, in milliseconds: until the next revocation list is due, no longer. */
const holdsMs = 3_600_000

/** Certificates that one request may ask about. */
const maxQuestions = 10

/** RFC 9654 §2.1: longer ones are refused. */
const maxNonceBytes = 128

/**
 * Tells of single certificates whether they are revoked (OCSP, RFC 6960), signed by their issuer itself (§4.2.2.2), replaced or not, when it is asked: so an answer is never older
 * than its question, and a nonce comes back (RFC 9654). Of certificates of other authorities, and of those that are not on record, it says `unknown`.
 */
export function createOcspResponder(reads: CertificateReads, dataKeys: DataKeys, clock: Clock): OcspResponder {
  return async (der) => {
    const request = readRequest(der)
    if (request === undefined) return failure('malformedRequest')
    const { questions, nonce } = request
    const issuers = (await reads.authorities()).map((authority) => ({ authority, ...namesOf(authority) }))
    // One answer has one signature: it is that of the issuer of the first that is asked about, and of another's it says `unknown`.
    const issuer = issuers.find((each) => questions.some((certID) => isOf(certID, each))) ?? issuers.at(-1)
    if (issuer === undefined) return failure('unauthorized')
    // A key that was certified again is the same issuer to whoever asks.
    const isBy = ({ authorityId }: IssuedCertificate, certID: CertID): boolean =>
      issuers.some((each) => each.authority.id === authorityId && isOf(certID, each))
    // Whole seconds: DER has no others for certificates and what is said of them (RFC 5280 §4.1.2.5.2, RFC 5019 §2.2.1).
    const now = Math.floor(clock.now() / 1000) * 1000
    const responses: SingleResponse[] = []
    for (const certID of questions) {
      const serial = isOf(certID, issuer) ? serialOf(certID.serialNumber) : undefined
      const found = serial && (await reads.find(serial))
      responses.push(
        new SingleResponse({
          certID,
          certStatus: found && isBy(found, certID) ? describe(found) : status.unknown(),
          thisUpdate: new Date(now),
          nextUpdate: new Date(now + holdsMs),
        }),
      )
    }
    const basic = new BasicOCSPResponse()
    basic.tbsResponseData.responderID = issuer.certificate.subject
    basic.tbsResponseData.producedAt = new Date(now)
    basic.tbsResponseData.responses = responses
    if (nonce !== undefined) basic.tbsResponseData.responseExtensions = [nonce]
    const key = await openAuthority(dataKeys, issuer.authority)
    await basic.sign(key, signatureAlgorithm(key).hash)
    const response = new OctetString({ valueHex: basic.toSchema().toBER(false) })
    return encode(
      new OCSPResponse({
        responseStatus: new Enumerated({ value: 0 }),
        responseBytes: new ResponseBytes({ responseType: basicResponse, response }),
      }),
    )
  }
}

/** RFC 6960 §4.2.1. */
const basicResponse = '1.3.6.1.5.5.7.48.1.1'
/** RFC 9654 §2.1. */
const nonceExtension = '1.3.6.1.5.5.7.48.1.2'

interface ReadRequest {
  readonly questions: readonly CertID[]
  readonly nonce: Extension | undefined
}

function readRequest(der: Uint8Array): ReadRequest | undefined {
  try {
    const { result } = fromBER(new Uint8Array(der), parseLimits.berOptions)
    const { requestList, requestExtensions = [] } = new OCSPRequest({ schema: result }).tbsRequest
    const nonce = requestExtensions.find(({ extnID }) => extnID === nonceExtension)
    const nonceBytes = nonce?.extnValue.valueBlock.valueHexView.length ?? 1
    const isFit = requestList.length > 0 && requestList.length <= maxQuestions && nonceBytes <= maxNonceBytes + 2
    // Only what is understood is echoed; another critical extension asks for something that is not done here.
    const asksForMore = requestExtensions.some((each) => each.critical && each.extnID !== nonceExtension)
    if (!isFit || asksForMore) return undefined
    return {
      questions: requestList.map(({ reqCert }) => reqCert),
      nonce:
        nonce &&
        new Extension({ extnID: nonceExtension, extnValue: nonce.extnValue.valueBlock.valueHexView.slice().buffer }),
    }
  } catch {
    return undefined
  }
}

interface IssuerNames {
  readonly certificate: Certificate
  readonly name: Uint8Array
  readonly key: Uint8Array
}

function namesOf({ certificate: pem }: Authority): IssuerNames {
  const certificate = Certificate.fromBER(new x509.X509Certificate(pem).rawData)
  return {
    certificate,
    name: new Uint8Array(certificate.subject.toSchema().toBER(false)),
    key: certificate.subjectPublicKeyInfo.subjectPublicKey.valueBlock.valueHexView,
  }
}

/** RFC 6960 §4.1.1: the issuer by the hashes of its name and key. SHA-1 is what nearly everybody asks with; nothing rests on it. */
const hashes: Readonly<Record<string, string>> = { '1.3.14.3.2.26': 'sha1', '2.16.840.1.101.3.4.2.1': 'sha256' }

function isOf({ hashAlgorithm, issuerNameHash, issuerKeyHash }: CertID, { name, key }: IssuerNames): boolean {
  const algorithm = hashes[hashAlgorithm.algorithmId]
  if (algorithm === undefined) return false
  const is = (content: Uint8Array, hash: OctetString): boolean =>
    createHash(algorithm).update(content).digest().equals(hash.valueBlock.valueHexView)
  return is(name, issuerNameHash) && is(key, issuerKeyHash)
}

/** Ours are always sixteen bytes. */
function serialOf({ valueBlock }: Integer): Serial | undefined {
  const hex = Buffer.from(valueBlock.valueHexView).toString('hex')
  return hex.length === 32 ? (hex as Serial) : undefined
}

/** CertStatus (RFC 6960 §4.2.1). */
const status = {
  good: (): BaseBlock => new Primitive({ idBlock: { tagClass: 3, tagNumber: 0 } }),
  unknown: (): BaseBlock => new Primitive({ idBlock: { tagClass: 3, tagNumber: 2 } }),
  revoked: (at: EpochMs, reason: RevocationReason): BaseBlock =>
    new Constructed({
      idBlock: { tagClass: 3, tagNumber: 1 },
      value: [
        new GeneralizedTime({ valueDate: new Date(Math.floor(at / 1000) * 1000) }),
        // Absent rather than zero, as in the revocation list.
        ...(reason === 'unspecified'
          ? []
          : [
              new Constructed({
                idBlock: { tagClass: 3, tagNumber: 0 },
                value: [new Enumerated({ value: x509.X509CrlReason[reason] })],
              }),
            ]),
      ],
    }),
}

function describe({ revokedAt, revocationReason = 'unspecified' }: IssuedCertificate): BaseBlock {
  return revokedAt === undefined ? status.good() : status.revoked(revokedAt, revocationReason)
}

/** RFC 6960 §4.2.1: answers without a signature. */
const failures = { malformedRequest: 1, unauthorized: 6 } as const

function failure(kind: keyof typeof failures): Buffer {
  return encode(new OCSPResponse({ responseStatus: new Enumerated({ value: failures[kind] }) }))
}

function encode(response: OCSPResponse): Buffer {
  return Buffer.from(response.toSchema().toBER(false))
}
