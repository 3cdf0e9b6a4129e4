import { Constructed, fromBER, ObjectIdentifier, type BaseBlock } from 'asn1js'
import { parseLimits } from '../certificate-authority/x509.ts'

/*
 * What is read from a certificate here: parts of its DER, by asn1js. Only names, extensions and algorithms are read so; that OpenSSL has read the same
 * certificate before is the caller's.
 */

/** Undefined for what is no DER, goes on afterwards, or is deeper or larger than any certificate is. */
export function readDer(bytes: Uint8Array): BaseBlock | undefined {
  const { result, offset } = fromBER(new Uint8Array(bytes), parseLimits.berOptions)
  return offset === bytes.length && result.error === '' ? result : undefined
}

export function partsOf(block: BaseBlock | undefined): readonly BaseBlock[] {
  return block instanceof Constructed ? block.valueBlock.value : []
}

/** Everything of a block, its head included. */
export function wholeOf(block: BaseBlock): Uint8Array {
  return block.valueBeforeDecodeView
}

/** Without tag and length. */
export function contentOf(block: BaseBlock): Uint8Array {
  return block.valueBeforeDecodeView.subarray(block.idBlock.blockLength + block.lenBlock.blockLength)
}

/** Context-specific, with this number. */
export function isTagged(block: BaseBlock, tag: number): boolean {
  return block.idBlock.tagClass === 3 && block.idBlock.tagNumber === tag
}

/** Of the universal class, with this number. */
export function isUniversal(block: BaseBlock | undefined, tag: number): boolean {
  return block !== undefined && block.idBlock.tagClass === 1 && block.idBlock.tagNumber === tag
}

/** Dotted; undefined for another block. */
export function oidOf(block: BaseBlock | undefined): string | undefined {
  return block instanceof ObjectIdentifier ? block.valueBlock.toString() : undefined
}
