// Runs every check, also after one has failed, and says at the end which failed.
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const tool = (file, ...args) => [path.join(root, 'node_modules', file), ...args]

const catalogueFolder = path.join(root, 'scripts', 'catalogues')
const catalogues = fs.existsSync(catalogueFolder)
  ? fs
      .readdirSync(catalogueFolder)
      .filter((name) => name.endsWith('.mjs'))
      .toSorted()
  : []

const steps = [
  ['types', tool('typescript/bin/tsc', '-b')],
  ['lint and import rules', tool('oxlint/bin/oxlint', '--deny-warnings')],
  ['format', tool('oxfmt/bin/oxfmt', '--check'), 'npm run format'],
  ['unused and undeclared', tool('knip/bin/knip.js', '--no-progress', '--no-config-hints')],
  ['lockfile', [path.join(root, 'scripts', 'lockfile.mjs'), '--check']],
  ...catalogues.map((name) => [
    `catalogue ${path.basename(name, '.mjs')}`,
    ['--conditions=latchkey-source', path.join(catalogueFolder, name), '--check'],
  ]),
]

if (process.argv.length > 2) {
  process.stderr.write(`check takes no arguments; it runs: ${steps.map(([name]) => name).join(', ')}\n`)
  process.exit(2)
}

const failed = []
for (const [name, command, remedy] of steps) {
  process.stdout.write(`\n— ${name}\n`)
  const began = performance.now()
  const result = spawnSync(process.execPath, command, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  const ending = result.error?.message ?? (result.signal ? `ended by ${result.signal}` : `exit ${result.status}`)
  if (result.status === 0) process.stdout.write(`  ok, ${seconds} s\n`)
  else {
    failed.push(name)
    process.stdout.write(`  FAILED (${ending}), ${seconds} s${remedy ? `; remedy: ${remedy}` : ''}\n`)
  }
}

process.stdout.write(failed.length === 0 ? '\ncheck: all passed\n' : `\ncheck: failed: ${failed.join(', ')}\n`)
process.exitCode = failed.length === 0 ? 0 : 1
