/**
 * Characters by which two texts that look alike could differ, or the other way round: what RFC 4518 §2.2 maps to nothing (NUL and the other controls,
 * what is ignorable) and what §2.4 prohibits.
 */
const refused = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\u{FFFC}\u{FFFD}]/u

/**
 * A text of a name, ready to be compared with another (RFC 5280 §7.1, RFC 4518): compatibility forms, letter case and the number of spaces do not count. Stricter than
 * that where it would let more be equal: a text with a character that would be left out is like nothing, so undefined; and `ß` is not `ss`.
 */
export function prepareText(text: string): string | undefined {
  if (refused.test(text)) return undefined
  const folded = text.normalize('NFKC').toLowerCase().normalize('NFKC')
  return refused.test(folded) ? undefined : folded.replaceAll(/\p{Z}+/gu, ' ').trim()
}
