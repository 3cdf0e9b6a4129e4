/** Rows of one INSERT, or values of one IN: databases bound the parameters of a statement (SQLite at 32,766, PostgreSQL at 65,535). */
const maxRows = 1000

/** Cuts rows, or values, into parts that one statement can take. */
export function inParts<Row>(rows: readonly Row[]): Row[][] {
  const parts: Row[][] = []
  for (let from = 0; from < rows.length; from += maxRows) parts.push(rows.slice(from, from + maxRows))
  return parts
}
