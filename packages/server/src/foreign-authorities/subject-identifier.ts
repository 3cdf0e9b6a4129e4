import { isIP } from 'node:net'
import { done, refused, type Result } from '../kernel/result.ts'
import { isSameName, type DistinguishedName } from './distinguished-name.ts'
import { latin1, lowerAscii, nameTags } from './general-name.ts'
import { parseDistinguishedName } from './parse-distinguished-name.ts'
import type { ReadCertificate } from './read-certificate.ts'
import type { SubjectKind } from '../clients/client-certificate.ts'

/** By what a certificate is recognised as a client's, ready to be compared. */
export type SubjectIdentifier =
  | { readonly kind: 'subject_dn'; readonly name: DistinguishedName }
  | { readonly kind: Exclude<SubjectKind, 'subject_dn'>; readonly octets: string }

const hostName =
  /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*$/

/** One of the five identifiers of RFC 8705 §2.1.2, as it is registered. Refuses, with the reason in words, what no certificate can have. */
export function readIdentifier(kind: SubjectKind, value: string): Result<SubjectIdentifier, string> {
  if (kind === 'subject_dn') {
    const name = parseDistinguishedName(value)
    return name.ok ? done({ kind, name: name.value }) : name
  }
  if (kind === 'san_ip') {
    const octets = addressOctets(value)
    return octets === undefined
      ? refused('it is neither an IPv4 nor an IPv6 address')
      : done({ kind, octets: latin1(octets) })
  }
  const isOne = {
    san_dns: () => hostName.test(value),
    san_uri: () => /^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+$/.test(value),
    san_email: () => /^[\x21-\x3f\x41-\x7e]+@/.test(value) && hostName.test(value.slice(value.indexOf('@') + 1)),
  }[kind]
  return isOne() ? done({ kind, octets: comparable(kind, value) }) : refused(`it is no ${whatItIs[kind]}`)
}

const whatItIs = {
  san_dns: 'name of a host; one with an asterisk names nobody',
  san_uri: 'absolute URI in ASCII',
  san_email: 'e-mail address in ASCII',
} as const

const tags = { san_dns: nameTags.dns, san_uri: nameTags.uri, san_ip: nameTags.ip, san_email: nameTags.email } as const

/** Whether a certificate has the identifier; among several names of its kind one has to be it. Compared by octets, and never as somebody prints them. */
export function hasIdentifier({ subject, subjectNames }: ReadCertificate, identifier: SubjectIdentifier): boolean {
  if (identifier.kind === 'subject_dn') return isSameName(identifier.name, subject)
  const { kind, octets } = identifier
  return subjectNames.some(({ tag, content }) => tag === tags[kind] && comparable(kind, latin1(content)) === octets)
}

function comparable(kind: Exclude<SubjectKind, 'subject_dn'>, text: string): string {
  if (kind === 'san_dns') return lowerAscii(text)
  if (kind !== 'san_email') return text
  const at = text.lastIndexOf('@')
  return text.slice(0, at) + lowerAscii(text.slice(at))
}

/** Four or sixteen octets; an IPv4 address inside IPv6 is none: a certificate names it by its four. */
function addressOctets(text: string): Uint8Array | undefined {
  const family = isIP(text)
  if (family === 4) return Uint8Array.from(text.split('.'), Number)
  if (family !== 6 || text.includes('%')) return undefined
  // One spelling: without an IPv4 tail, and compressed.
  const { hostname } = new URL(`http://[${text}]`)
  const [head = '', tail] = hostname.slice(1, -1).split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':'))
  const [before, after] = [groups(head), tail === undefined ? [] : groups(tail)]
  const all = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
  const octets = Uint8Array.from(
    all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
  )
  return octets.subarray(0, 10).every((octet) => octet === 0) && octets[10] === 255 && octets[11] === 255
    ? undefined
    : octets
}
