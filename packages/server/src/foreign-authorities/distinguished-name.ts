import type { BaseBlock } from 'asn1js'
import { contentOf, isUniversal, oidOf, partsOf, readDer, wholeOf } from './der.ts'
import { prepareText } from './prepare-text.ts'

/** One attribute of a name, ready to be compared. */
export interface NameAttribute {
  /** Dotted. */
  readonly type: string
  /** Prepared by {@link prepareText}; undefined for what is no text that can be compared as one. */
  readonly text: string | undefined
  /** The value, DER, hexadecimal; undefined where it was written as text. */
  readonly der: string | undefined
}

/** Relative distinguished names, from the root down as in a certificate; each a set of attributes. */
export type DistinguishedName = readonly (readonly NameAttribute[])[]

/** Relative names, and attributes of one, that are read: sets are compared each with each, and strangers choose them. Real names have ten, of one or two. */
const maxParts = 32

/** A Name (RFC 5280 §4.1.2.4); undefined for what is none, or has more parts than any real one. */
export function readName(block: BaseBlock | undefined): DistinguishedName | undefined {
  if (!isUniversal(block, 16) || partsOf(block).length > maxParts) return undefined
  const names: NameAttribute[][] = []
  for (const set of partsOf(block)) {
    const attributes = readRelativeName(set)
    if (attributes === undefined) return undefined
    names.push(attributes)
  }
  return names
}

/** A RelativeDistinguishedName; undefined for what is none. */
function readRelativeName(set: BaseBlock): NameAttribute[] | undefined {
  const count = partsOf(set).length
  if (!isUniversal(set, 17) || count === 0 || count > maxParts) return undefined
  const attributes: NameAttribute[] = []
  for (const pair of partsOf(set)) {
    const [type, value, ...more] = partsOf(pair)
    const oid = oidOf(type)
    if (oid === undefined || value === undefined || more.length > 0) return undefined
    attributes.push(readAttribute(oid, value))
  }
  return attributes
}

/** An attribute by the DER of its value; undefined for what is no DER. */
export function attributeOf(type: string, der: Uint8Array): NameAttribute | undefined {
  const value = readDer(der)
  return value === undefined ? undefined : readAttribute(type, value)
}

function readAttribute(type: string, value: BaseBlock): NameAttribute {
  return { type, text: textOf(value), der: Buffer.from(wholeOf(value)).toString('hex') }
}

/**
 * Whether two names are the same (RFC 5280 §7.1): as many relative names in the same order, each with the same attributes in any order. Values of
 * UTF8String, PrintableString and IA5String are compared as text, all others by octets.
 */
export function isSameName(a: DistinguishedName, b: DistinguishedName): boolean {
  return a.length === b.length && isWithinName(a, b)
}

/** Whether a name stands in the subtree of another: begins with all of it (RFC 5280 §7.1). */
export function isWithinName(name: DistinguishedName, subtree: DistinguishedName): boolean {
  return subtree.length <= name.length && subtree.every((part, i) => isSameRelativeName(part, name[i] ?? []))
}

function isSameRelativeName(a: readonly NameAttribute[], b: readonly NameAttribute[]): boolean {
  const left = [...b]
  return (
    a.length === b.length &&
    a.every((attribute) => {
      const i = left.findIndex((other) => isSameAttribute(attribute, other))
      if (i !== -1) left.splice(i, 1)
      return i !== -1
    })
  )
}

function isSameAttribute(a: NameAttribute, b: NameAttribute): boolean {
  if (a.type !== b.type) return false
  return (a.text !== undefined && a.text === b.text) || (a.der !== undefined && a.der === b.der)
}

/** TeletexString, BMPString and UniversalString are not among them: no two programs read them alike. */
const encodings: Readonly<Record<number, 'utf-8' | 'ascii'>> = { 12: 'utf-8', 19: 'ascii', 22: 'ascii' }

function textOf(value: BaseBlock): string | undefined {
  const { tagClass, tagNumber, isConstructed } = value.idBlock
  const encoding = tagClass === 1 && !isConstructed ? encodings[tagNumber] : undefined
  if (encoding === undefined) return undefined
  const bytes = contentOf(value)
  if (encoding === 'ascii' && bytes.some((byte) => byte > 0x7f)) return undefined
  try {
    return prepareText(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch {
    return undefined
  }
}
