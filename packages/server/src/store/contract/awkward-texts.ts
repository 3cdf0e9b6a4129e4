/** Texts that databases have been known to change, with what is awkward about each. */
export const awkwardTexts: readonly (readonly [what: string, text: string])[] = [
  ['composed (NFC)', 'Caf\u00e9'],
  ['decomposed (NFD)', 'Cafe\u0301'],
  ['compatibility forms', '\ufb01\u2460\u212b'],
  ['emoji with joiners and selectors', '👩🏽‍🔧🏴󠁧󠁢󠁳󠁣󠁴󠁿❤️'],
  ['right to left', 'שלום العالم'],
  ['right-to-left override', 'a\u202eb\u202cc'],
  ['beyond the basic plane', '𝔘𝔫𝔦𝔠𝔬𝔡𝔢 \u{10ffff}'],
  ['zero width and no-break spaces', 'a\u200b\u00a0\ufeffb'],
  ['leading and trailing spaces', '  a  '],
  ['quotes, wildcards and statements', `'; DROP TABLE clients; -- "%_\\ $1 ? :a`],
  ['what looks like a number', '007'],
  ['what looks like JSON', '{"a":null}'],
  ['line ends and tabs', 'a\r\n\tb'],
  ['empty', ''],
  ['long', 'é🏽'.repeat(5000)],
]
