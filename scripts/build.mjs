// Builds what would be published and proves it: compiles from nothing, packs each publishable package, checks that the
// tarball holds what its `exports` and `bin` name and nothing that it should not, then loads the unpacked tarballs under
// plain Node, without the source condition.
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
// Inside the checkout, so that third-party dependencies resolve to its node_modules.
const stage = path.join(root, '.cache', 'build')
const problems = []

const readJson = (file) => JSON.parse(fs.readFileSync(file, 'utf8'))

const run = (command, args, options = {}) => {
  const result = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    ...options,
  })
  return {
    ok: result.status === 0,
    out: result.stdout ?? '',
    why: result.error?.message ?? `exit ${result.status ?? result.signal}`,
  }
}

const fail = (text) => {
  process.stderr.write(`build: ${text}\n`)
  process.exit(1)
}

if (process.argv.length > 2) {
  process.stderr.write('build takes no arguments\n')
  process.exit(2)
}

const workspaces = readJson(path.join(root, 'package.json')).workspaces.flatMap((pattern) => {
  if (!pattern.endsWith('/*')) return [pattern]
  const folder = pattern.slice(0, -2)
  return fs.readdirSync(path.join(root, folder)).map((name) => `${folder}/${name}`)
})
const packages = workspaces
  .map((folder) => ({ folder: path.join(root, folder), manifestFile: path.join(root, folder, 'package.json') }))
  .filter(({ manifestFile }) => fs.existsSync(manifestFile))
  .map((found) => ({ ...found, manifest: readJson(found.manifestFile) }))
const published = packages.filter(({ manifest }) => manifest.private !== true)
const versions = new Map(published.map(({ manifest }) => [manifest.name, manifest.version]))

// From nothing: a file whose source is gone would be published from an old dist.
for (const { folder } of packages) fs.rmSync(path.join(folder, 'dist'), { recursive: true, force: true })
const compiled = run(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-b', '--force'], {
  stdio: ['ignore', 'inherit', 'inherit'],
})
if (!compiled.ok) fail(`tsc -b failed (${compiled.why})`)
const bundled = run(process.execPath, [path.join(root, 'scripts', 'console.mjs'), '--force'])
if (!bundled.ok) fail(`the pages in the browser were not built (${bundled.why})`)

fs.rmSync(stage, { recursive: true, force: true })
fs.mkdirSync(stage, { recursive: true })

/** The files that a package promises: every target of `exports` that dependents can reach, and every `bin`. */
const promised = (manifest) => {
  const targets = []
  const collect = (value, condition) => {
    if (condition === 'latchkey-source' || value === null) return
    if (typeof value === 'string') targets.push(value)
    else for (const [key, inner] of Object.entries(value)) collect(inner, key)
  }
  collect(manifest.exports ?? {})
  collect(typeof manifest.bin === 'string' ? { bin: manifest.bin } : (manifest.bin ?? {}))
  return targets.map((target) => path.posix.normalize(target))
}

const pack = ({ folder, manifest }) => {
  const licence = path.join(folder, 'LICENSE')
  const hadLicence = fs.existsSync(licence)
  // npm packs only a LICENSE that lies in the package's own folder, and never a link.
  if (!hadLicence) fs.copyFileSync(path.join(root, 'LICENSE'), licence)
  const packed = run('npm', ['pack', '--json', '--loglevel=error', '--pack-destination', stage], { cwd: folder })
  if (!hadLicence) fs.rmSync(licence)
  if (!packed.ok) fail(`npm pack failed for ${manifest.name} (${packed.why})`)
  const parsed = JSON.parse(packed.out)
  return (Array.isArray(parsed) ? parsed : Object.values(parsed))[0]
}

for (const entry of published) {
  const { manifest } = entry
  const tarball = pack(entry)
  const files = new Set(tarball.files.map((file) => file.path))
  const problem = (text) => problems.push(`${manifest.name}: ${text}`)

  const holds = (target) =>
    target.endsWith('/*') ? [...files].some((file) => file.startsWith(target.slice(0, -1))) : files.has(target)
  for (const target of promised(manifest))
    if (!holds(target)) problem(`names ${target}, which the package does not hold`)
  if (Object.keys(manifest.bin ?? {}).length > 0 && !files.has('dist/main.js')) problem('has a bin but no dist/main.js')
  if (!files.has('LICENSE')) problem('holds no LICENSE')
  for (const file of files) {
    if (/\.(test|faults)\.|\.tsbuildinfo$|^src\/|(^|\/)\.env/.test(file))
      problem(`holds ${file}, which is not for publishing`)
  }
  for (const [name, range] of Object.entries(manifest.dependencies ?? {})) {
    if (packages.some((other) => other.manifest.name === name) && versions.get(name) !== range) {
      problem(`depends on ${name} ${range}, but what would be published is ${versions.get(name) ?? 'private'}`)
    }
  }

  const home = path.join(stage, 'node_modules', manifest.name)
  fs.mkdirSync(home, { recursive: true })
  const unpacked = run('tar', ['-xzf', path.join(stage, tarball.filename), '-C', home, '--strip-components=1'])
  if (!unpacked.ok) fail(`${tarball.filename} could not be unpacked (${unpacked.why})`)
  // What npm could not hoist in this checkout stays visible to the unpacked package.
  const nested = path.join(entry.folder, 'node_modules')
  if (fs.existsSync(nested)) fs.symlinkSync(nested, path.join(home, 'node_modules'))
  process.stdout.write(`${tarball.filename}: ${files.size} files, ${Math.ceil(tarball.size / 1024)} kB\n`)
}

const env = { ...process.env, NODE_OPTIONS: '' }
for (const { manifest } of published) {
  for (const [key, target] of Object.entries(manifest.exports ?? {})) {
    // Only for tests in the checkout: dependents of the published package cannot reach it.
    if (Object.keys(target).every((condition) => condition === 'latchkey-source')) continue
    const name = path.posix.join(manifest.name, key)
    if (name.endsWith('.json') || name.includes('*')) continue
    const loaded = run(process.execPath, ['--input-type=module', '--eval', `await import(${JSON.stringify(name)})`], {
      cwd: stage,
      env,
      timeout: 60_000,
    })
    if (!loaded.ok) problems.push(`${name} does not load under plain Node (${loaded.why})`)
  }
  for (const [name, file] of Object.entries(manifest.bin ?? {})) {
    const script = path.join(stage, 'node_modules', manifest.name, file)
    const ran = run(process.execPath, [script, '--version'], { cwd: stage, env, timeout: 60_000 })
    if (!ran.ok) problems.push(`${name} --version fails (${ran.why})`)
    else if (!ran.out.includes(manifest.version)) problems.push(`${name} --version does not say ${manifest.version}`)
  }
}

for (const text of problems) process.stderr.write(`build: ${text}\n`)
process.stdout.write(
  problems.length === 0
    ? `build: ${published.length} packages in .cache/build\n`
    : `build: ${problems.length} problems\n`,
)
process.exitCode = problems.length === 0 ? 0 : 1
