// Keeps package-lock.json whole for every platform. A registry that serves only some platforms' binaries makes `npm install`
// leave the others out of the lockfile without a word, and `npm ci` then refuses everywhere. `--check` names what is
// missing; `--write` adds it with the exact version that its parent asks for (without a hash, which only a registry knows).
import * as fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const file = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', 'package-lock.json')
const exactVersion = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/
const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
const processors = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64']

/** The platform that a binary package's name says, or undefined when it says none. */
const platformOf = (name) => {
  const words = name.split(/[/-]/)
  const os = systems.find((system) => words.includes(system))
  const cpu = processors.find((processor) => words.includes(processor))
  if (os === undefined || (cpu === undefined && os !== 'android')) return undefined
  const libc = words.some((word) => word.startsWith('musl'))
    ? 'musl'
    : words.some((word) => word.startsWith('gnu'))
      ? 'glibc'
      : undefined
  return { os: [os], ...(cpu && { cpu: [cpu] }), ...(os === 'linux' && libc && { libc: [libc] }) }
}

/** Where Node would look for `name` from the package at `location`, nearest first. */
const places = (location, name) => {
  const found = []
  for (let at = location; ; at = at.slice(0, Math.max(at.lastIndexOf('/node_modules/'), 0))) {
    found.push(at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`)
    if (at === '') return found
  }
}

const missingFrom = (packages) => {
  const missing = new Map()
  for (const [location, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (places(location, name).some((place) => packages[place] !== undefined)) continue
      const platform = platformOf(name)
      if (platform === undefined || !exactVersion.test(version)) continue
      const flags = { ...(entry.dev && { dev: true }), optional: true, ...(entry.peer && { peer: true }) }
      missing.set(`node_modules/${name}`, { version, ...platform, ...flags })
    }
  }
  return missing
}

const mode = process.argv[2]
const lock = JSON.parse(fs.readFileSync(file, 'utf8'))
const missing = missingFrom(lock.packages)
if (mode === '--write') {
  const [own, ...others] = Object.entries(lock.packages)
  const all = [...others, ...missing].toSorted(([a], [b]) => a.localeCompare(b, 'en'))
  lock.packages = Object.fromEntries([own, ...all])
  fs.writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
  console.log(`package-lock.json: ${missing.size} entries added`)
} else if (mode === '--check') {
  for (const location of missing.keys()) console.error(`package-lock.json lacks ${location}`)
  if (missing.size > 0) {
    console.error(
      'npm ci refuses such a lockfile: run `node_modules/.bin/node scripts/lockfile.mjs --write` and commit it',
    )
    process.exitCode = 1
  }
} else {
  console.error('usage: lockfile.mjs --check | --write')
  process.exitCode = 2
}
