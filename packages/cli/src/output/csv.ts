/** What a spreadsheet would take for a formula, and run: texts in our exports were written by strangers. */
const formula = /^[=+\-@\t\r]/

/**
 * One line of CSV (RFC 4180 §2): every field quoted, ended by CRLF. A text that a spreadsheet would run gets an apostrophe before it, which it shows as the text that
 * it is; whoever reads the lines by program takes JSON.
 */
export function csvLine(fields: readonly (string | number)[]): string {
  const quoted = fields.map((field) => {
    const text = String(field)
    const plain = typeof field === 'string' && formula.test(text) ? `'${text}` : text
    return `"${plain.replaceAll('"', '""')}"`
  })
  return `${quoted.join(',')}\r\n`
}
