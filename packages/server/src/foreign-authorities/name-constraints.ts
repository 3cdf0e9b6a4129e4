import { isTagged, isUniversal, partsOf, readDer } from './der.ts'
import { isWithinName, type DistinguishedName } from './distinguished-name.ts'
import { latin1, lowerAscii, nameTags, readGeneralName, type GeneralName } from './general-name.ts'

/** Under what names an authority may certify (RFC 5280 §4.2.1.10). */
export interface NameConstraints {
  readonly permitted: readonly GeneralName[]
  readonly excluded: readonly GeneralName[]
}

/** Undefined for what cannot be read, and for `minimum` and `maximum`, which nobody may use. */
export function readNameConstraints(der: Uint8Array): NameConstraints | undefined {
  const block = readDer(der)
  const parts = partsOf(block)
  if (!isUniversal(block, 16) || parts.length === 0) return undefined
  const read: { permitted: GeneralName[]; excluded: GeneralName[] } = { permitted: [], excluded: [] }
  for (const part of parts) {
    const kind = isTagged(part, 0) ? 'permitted' : isTagged(part, 1) ? 'excluded' : undefined
    if (kind === undefined || partsOf(part).length === 0) return undefined
    for (const subtree of partsOf(part)) {
      const [base, ...more] = partsOf(subtree)
      const name = base === undefined ? undefined : readGeneralName(base)
      if (name === undefined || more.length > 0 || !(name.tag in matches)) return undefined
      read[kind].push(name)
    }
  }
  return read
}

/** The names of a certificate that constraints speak about. */
export interface NamesOfCertificate {
  readonly subject: DistinguishedName
  readonly subjectNames: readonly GeneralName[]
}

/** Whether every name of a certificate is one that the constraints let through (RFC 5280 §6.1.3 b, c). A name that cannot be judged is not. */
export function allowsNames({ permitted, excluded }: NameConstraints, certificate: NamesOfCertificate): boolean {
  return [...judgedNames(certificate)].every((name) => {
    const ofItsKind = (list: readonly GeneralName[]) => list.filter(({ tag }) => tag === name.tag)
    const holds = (subtree: GeneralName) => matches[name.tag]?.(name, subtree)
    const [inside, outside] = [ofItsKind(permitted), ofItsKind(excluded)]
    if (outside.some((subtree) => holds(subtree) !== false)) return false
    return inside.length === 0 || inside.some((subtree) => holds(subtree) === true)
  })
}

function* judgedNames({ subject, subjectNames }: NamesOfCertificate): Iterable<GeneralName> {
  const nothing = new Uint8Array()
  if (subject.length > 0) yield { tag: nameTags.directory, content: nothing, name: subject }
  yield* subjectNames
  // RFC 5280 §4.2.1.10: where there is no address among the names, those in the subject are judged.
  if (subjectNames.some(({ tag }) => tag === nameTags.email)) return
  for (const { type, text } of subject.flat()) {
    // One that is no text is no mailbox either, and refused for that.
    if (type === emailAddress) yield { tag: nameTags.email, content: Buffer.from(text ?? ''), name: undefined }
  }
}

const emailAddress = '1.2.840.113549.1.9.1'

/** By kind, whether a name stands in a subtree; undefined where that cannot be said. */
const matches: Readonly<Record<number, (name: GeneralName, subtree: GeneralName) => boolean | undefined>> = {
  [nameTags.dns]: (name, subtree) => isUnder(hostOf(latin1(name.content)), latin1(subtree.content)),
  [nameTags.uri]: (name, subtree) => isHost(uriHost(latin1(name.content)), latin1(subtree.content)),
  [nameTags.email]: (name, subtree) => isMailbox(latin1(name.content), latin1(subtree.content)),
  [nameTags.ip]: (name, subtree) => isAddressIn(name.content, subtree.content),
  [nameTags.directory]: ({ name }, subtree) => name && subtree.name && isWithinName(name, subtree.name),
}

/** Undefined for what is no host's name, so that a NUL or a space hides nothing. */
function hostOf(text: string): string | undefined {
  return /^[A-Za-z0-9_*-]+(?:\.[A-Za-z0-9_-]+)*$/.test(text) ? lowerAscii(text) : undefined
}

/** A host and everything below it; one that begins with a period: only what is below. */
function isUnder(host: string | undefined, subtree: string): boolean | undefined {
  if (host === undefined) return undefined
  const base = lowerAscii(subtree)
  if (base === '') return true
  return base.startsWith('.') ? host.endsWith(base) : host === base || host.endsWith(`.${base}`)
}

/** One host; with a period before it: what is below it (RFC 5280 §4.2.1.10 for URIs and addresses). */
function isHost(host: string | undefined, subtree: string): boolean | undefined {
  if (host === undefined) return undefined
  const base = lowerAscii(subtree)
  return base.startsWith('.') ? host.endsWith(base) : host === base
}

/** RFC 3986 §3.2.2; undefined for a URI without a host, with a user before it, or whose host is an address: none may stand under constraints. */
function uriHost(uri: string): string | undefined {
  const authority = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/([^/?#@:]+)(?::\d*)?(?:[/?#]|$)/.exec(uri)?.[1]
  const host = authority === undefined ? undefined : hostOf(authority)
  return host === undefined || /(?:^|\.)\d+$/.test(host) ? undefined : host
}

function isMailbox(address: string, subtree: string): boolean | undefined {
  const at = address.lastIndexOf('@')
  const host = at <= 0 ? undefined : hostOf(address.slice(at + 1))
  if (host === undefined) return undefined
  const subtreeAt = subtree.lastIndexOf('@')
  if (subtreeAt === -1) return isHost(host, subtree)
  return address.slice(0, at) === subtree.slice(0, subtreeAt) && host === lowerAscii(subtree.slice(subtreeAt + 1))
}

/** Address and mask, four octets each or sixteen each. */
function isAddressIn(address: Uint8Array, subtree: Uint8Array): boolean | undefined {
  if (address.length !== 4 && address.length !== 16) return undefined
  if (subtree.length !== address.length * 2) return subtree.length === 8 || subtree.length === 32 ? false : undefined
  return address.every((octet, i) => {
    const mask = subtree[address.length + i] ?? 0
    return (octet & mask) === ((subtree[i] ?? 0) & mask)
  })
}
