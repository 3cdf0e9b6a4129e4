import { done, refused, type Result } from '../kernel/result.ts'
import { attributeOf, type DistinguishedName, type NameAttribute } from './distinguished-name.ts'
import { prepareText } from './prepare-text.ts'

/** Short names of attributes: RFC 4514 §3, and those of client certificates besides, as OpenSSL writes them. Letter case does not count. */
const attributeTypes: ReadonlyMap<string, string> = new Map([
  ['cn', '2.5.4.3'],
  ['l', '2.5.4.7'],
  ['st', '2.5.4.8'],
  ['o', '2.5.4.10'],
  ['ou', '2.5.4.11'],
  ['c', '2.5.4.6'],
  ['street', '2.5.4.9'],
  ['dc', '0.9.2342.19200300.100.1.25'],
  ['uid', '0.9.2342.19200300.100.1.1'],
  ['sn', '2.5.4.4'],
  ['surname', '2.5.4.4'],
  ['serialnumber', '2.5.4.5'],
  ['title', '2.5.4.12'],
  ['businesscategory', '2.5.4.15'],
  ['postalcode', '2.5.4.17'],
  ['gn', '2.5.4.42'],
  ['givenname', '2.5.4.42'],
  ['dnqualifier', '2.5.4.46'],
  ['organizationidentifier', '2.5.4.97'],
  ['emailaddress', '1.2.840.113549.1.9.1'],
  ['jurisdictionl', '1.3.6.1.4.1.311.60.2.1.1'],
  ['jurisdictionst', '1.3.6.1.4.1.311.60.2.1.2'],
  ['jurisdictionc', '1.3.6.1.4.1.311.60.2.1.3'],
])

/**
 * A distinguished name as RFC 4514 writes it, the last relative name first: `CN=billing,O=Acme\, Inc.,C=DE`. Refuses, with the reason in words, what the grammar
 * does not have, spaces around separators among it: other notations have them, and another order.
 */
export function parseDistinguishedName(text: string): Result<DistinguishedName, string> {
  if (text === '') return refused('it is empty')
  const names: NameAttribute[][] = [[]]
  let rest = text
  for (;;) {
    const head = /^([A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)+)=/.exec(rest)
    if (head === null) return refused(notation(rest))
    const type = /^\d/.test(head[1] ?? '') ? head[1] : attributeTypes.get((head[1] ?? '').toLowerCase())
    if (type === undefined) return refused(`${head[1]} is not known here: write the attribute as its OID`)
    rest = rest.slice(head[0].length)
    const value = /^(?:\\[^]|[^\\,+"<>;])*/.exec(rest)?.[0] ?? ''
    rest = rest.slice(value.length)
    const attribute = readValue(type, value)
    if (!attribute.ok) return attribute
    names.at(-1)?.push(attribute.value)
    if (rest === '') return done(names.toReversed())
    if (rest[0] !== ',' && rest[0] !== '+') return refused(`${rest[0]} has to be written with a backslash before it`)
    if (rest[0] === ',') names.push([])
    rest = rest.slice(1)
  }
}

function notation(rest: string): string {
  return rest === '' || /^\s|^[A-Za-z0-9.-]+\s/.test(rest)
    ? 'it is not written as RFC 4514 does (CN=billing,O=Acme): `openssl x509 -noout -subject -nameopt RFC2253` prints it so'
    : `an attribute and an equals sign are missing before "${rest.slice(0, 20)}"`
}

function readValue(type: string, value: string): Result<NameAttribute, string> {
  if (value.startsWith('#')) {
    const isHex = /^#(?:[0-9A-Fa-f]{2})+$/.test(value)
    const attribute = isHex ? attributeOf(type, Buffer.from(value.slice(1), 'hex')) : undefined
    return attribute === undefined ? refused(`${value} is not the DER of a value in hexadecimal`) : done(attribute)
  }
  if (value.startsWith(' ') || /(?<!\\)(?:\\\\)* $/.test(value)) {
    return refused(`a space at either end of a value has to be written with a backslash before it`)
  }
  const text = unescape(value)
  const prepared = text === undefined ? undefined : prepareText(text)
  if (prepared === undefined) return refused(`${JSON.stringify(value)} is no value that can be compared`)
  return done({ type, text: prepared, der: undefined })
}

/** RFC 4514 §3: a backslash stands before a special character, or before the two digits of an octet of UTF-8. */
function unescape(value: string): string | undefined {
  const bytes: Buffer[] = []
  for (const [part] of value.matchAll(/\\[0-9A-Fa-f]{2}|\\[^]|[^\\]+/g)) {
    if (/^\\[0-9A-Fa-f]{2}$/.test(part)) bytes.push(Buffer.from(part.slice(1), 'hex'))
    else if (/^\\["+,;<> #=\\]$/.test(part)) bytes.push(Buffer.from(part.slice(1)))
    else if (part.startsWith('\\')) return undefined
    else bytes.push(Buffer.from(part))
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(bytes))
  } catch {
    return undefined
  }
}
