// Runs the tests once, on the Node that runs this file, and prints `N passed, N failed` alone on the last line.
// Arguments go to vitest (a path filter, `-t name`, `--config file`). `--short` belongs to vitest.faults.config.ts.
import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const args = process.argv.slice(2)
const isShort = args.includes('--short')

if (isShort && !args.some((argument) => argument.endsWith('vitest.faults.config.ts'))) {
  process.stderr.write('--short is only for `npm run test:faults -- --short`\n')
  process.exit(2)
}

const folder = fs.mkdtempSync(path.join(tmpdir(), 'latchkey-test-'))
const totalsFile = path.join(folder, 'totals.json')

const child = spawn(
  process.execPath,
  [
    path.join(root, 'node_modules', 'vitest', 'vitest.mjs'),
    'run',
    '--reporter=default',
    `--reporter=${path.join(root, 'scripts', 'vitest-totals.mjs')}`,
    ...args.filter((argument) => argument !== '--short'),
  ],
  {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      ...(isShort && { LATCHKEY_FAULTS: 'short' }),
      VITEST_TOTALS_FILE: totalsFile,
      // What a test starts as `node` is the Node under test, not the one that npm put first.
      PATH: [path.dirname(process.execPath), process.env.PATH].join(path.delimiter),
    },
  },
)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))

const ending = await new Promise((resolve) => {
  child.once('error', (error) => resolve({ code: 1, why: error.message }))
  child.once('exit', (code, signal) =>
    resolve({ code: code ?? 1, why: signal ? `vitest was ended by ${signal}` : undefined }),
  )
})

const readTotals = () => {
  try {
    return JSON.parse(fs.readFileSync(totalsFile, 'utf8'))
  } catch {
    return undefined
  }
}
const written = readTotals()
const totals = written ?? { passed: 0, failed: 0, skipped: 0 }
fs.rmSync(folder, { recursive: true, force: true })

const problems = []
if (ending.why !== undefined) problems.push(ending.why)
if (written === undefined) problems.push(`vitest ended with code ${ending.code} before it had a result`)
else if (totals.passed + totals.failed === 0) problems.push('no test was run')
else if (ending.code !== 0 && totals.failed === 0)
  problems.push(`vitest ended with code ${ending.code} although no test failed`)
for (const problem of problems) process.stderr.write(`${problem}\n`)
if (problems.length > 0 && totals.failed === 0) totals.failed = 1

const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''
process.stdout.write(`\n${totals.passed} passed, ${totals.failed} failed${skipped}\n`)
process.exitCode = totals.failed > 0 ? 1 : 0
