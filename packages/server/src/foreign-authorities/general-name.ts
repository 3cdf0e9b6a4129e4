import type { BaseBlock } from 'asn1js'
import { contentOf, isTagged, isUniversal, partsOf, readDer } from './der.ts'
import { readName, type DistinguishedName } from './distinguished-name.ts'

/** Kinds of names that are read (RFC 5280 §4.2.1.6). */
export const nameTags = { email: 1, dns: 2, directory: 4, uri: 6, ip: 7 } as const

export interface GeneralName {
  /** RFC 5280 §4.2.1.6: one of {@link nameTags}, or another. */
  readonly tag: number
  /** Its octets. */
  readonly content: Uint8Array
  /** Of a directory name. */
  readonly name: DistinguishedName | undefined
}

/** GeneralNames; undefined for what is none, or has none. */
export function readGeneralNames(der: Uint8Array): readonly GeneralName[] | undefined {
  const block = readDer(der)
  if (!isUniversal(block, 16) || partsOf(block).length === 0) return undefined
  const names = partsOf(block).map((part) => readGeneralName(part))
  return names.every((name) => name !== undefined) ? names : undefined
}

export function readGeneralName(block: BaseBlock): GeneralName | undefined {
  const tag = block.idBlock.tagNumber
  if (!isTagged(block, tag)) return undefined
  const name = tag === nameTags.directory ? readName(partsOf(block)[0]) : undefined
  if (tag === nameTags.directory && name === undefined) return undefined
  return { tag, content: contentOf(block), name }
}

/** The octets as text that no two octet strings share. */
export function latin1(content: Uint8Array): string {
  return Buffer.from(content).toString('latin1')
}

/** A host's name, and what follows the `@` of an address: letter case does not count (RFC 5280 §7.2, §7.5). */
export function lowerAscii(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
}
