// Builds the pages of packages/console when what they are made from has changed, and does nothing, quickly, when it has not.
// What it has to say goes to standard error: standard output belongs to the command after it.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const folder = path.join(root, 'packages', 'console')
const dist = path.join(folder, 'dist')
// Made beside it and put in its place whole: a server may be starting meanwhile.
const fresh = path.join(folder, 'dist.new')
const stampFile = path.join(dist, '.stamp')

const sources = ['packages/console', 'packages/portal-contract', 'packages/protocol'].flatMap((name) =>
  fs
    .readdirSync(path.join(root, name), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => !/\/(?:dist|dist\.new|dist\.old|node_modules)\/|\.tsbuildinfo$/.test(file)),
)

const wanted = () => {
  const hash = createHash('sha256')
  for (const file of [path.join(root, 'package-lock.json'), fileURLToPath(import.meta.url), ...sources.toSorted()]) {
    hash.update(path.relative(root, file)).update('\0').update(fs.readFileSync(file)).update('\0')
  }
  return hash.digest('hex')
}

const compress = () => {
  for (const name of fs.readdirSync(path.join(fresh, 'pages'))) {
    if (!/\.(?:js|css)$/.test(name)) continue
    const file = path.join(fresh, 'pages', name)
    const content = fs.readFileSync(file)
    fs.writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }))
    fs.writeFileSync(
      `${file}.br`,
      brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length } }),
    )
  }
}

const stamp = wanted()
const isBuilt = fs.existsSync(stampFile) && fs.readFileSync(stampFile, 'utf8') === stamp
if (process.argv.includes('--check')) {
  process.exitCode = isBuilt ? 0 : 1
} else if (!isBuilt || process.argv.includes('--force')) {
  process.stderr.write('latchkey: building the pages\n')
  const vite = path.join(root, 'node_modules', 'vite', 'bin', 'vite.js')
  const built = spawnSync(
    process.execPath,
    [vite, 'build', '--logLevel', 'error', '--outDir', fresh, '--emptyOutDir'],
    {
      cwd: folder,
      stdio: ['ignore', 2, 2],
    },
  )
  if (built.status === 0) {
    compress()
    fs.writeFileSync(path.join(fresh, '.stamp'), stamp)
    const old = path.join(folder, 'dist.old')
    fs.rmSync(old, { recursive: true, force: true })
    if (fs.existsSync(dist)) fs.renameSync(dist, old)
    fs.renameSync(fresh, dist)
    fs.rmSync(old, { recursive: true, force: true })
  } else {
    process.stderr.write(
      `latchkey: the pages were not built (exit ${built.status ?? built.signal}): the reason is above\n`,
    )
    process.exitCode = 2
  }
}
