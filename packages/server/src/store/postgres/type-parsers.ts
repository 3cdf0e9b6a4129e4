import { types, type CustomTypesConfig } from 'pg'

/** `int8` and `numeric`, which the driver leaves as text because they may hold more than a number can. */
const wholeNumbers: ReadonlySet<number> = new Set([types.builtins.INT8, types.builtins.NUMERIC])

/** Numbers come as numbers. One that would lose its last digits is a mistake of ours, and throws. */
export const typeParsers: CustomTypesConfig = {
  getTypeParser(oid, format) {
    return wholeNumbers.has(oid) && format !== 'binary' ? toNumber : types.getTypeParser(oid, format)
  },
}

function toNumber(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError('a number in the database is too large to be read')
  return value
}
