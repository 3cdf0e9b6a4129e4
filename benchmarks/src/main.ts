// `npm run bench [-- SECTION …]`: everything that is claimed to be fast, beside a floor in the same run.
import { cpus } from 'node:os'
import { measureCertificates } from './certificates.ts'
import { durationMs, rounds } from './compare.ts'
import { measureGate } from './gate.ts'
import { measureMtls } from './mtls.ts'
import { measureTokens } from './tokens.ts'

const sections: Readonly<Record<string, () => Promise<void>>> = {
  tokens: measureTokens,
  mtls: measureMtls,
  certificates: measureCertificates,
  gate: measureGate,
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !Object.hasOwn(sections, name))
if (unknown.length > 0) {
  console.error(`no such section: ${unknown.join(', ')}; there are ${Object.keys(sections).join(', ')}`)
  process.exit(2)
}
console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`)
console.log(`${rounds} rounds of ${durationMs / 1000} s, median (least to most)`)
for (const [name, measure] of Object.entries(sections)) {
  if (wanted.length === 0 || wanted.includes(name)) await measure()
}
