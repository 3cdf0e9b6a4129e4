// Installs what is missing, and does nothing, quickly, when nothing is. Runs on the machine's own Node (18 or newer),
// before any dependency exists, so it imports nothing but built-ins. Standard output stays free for the command after it.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import { hostname } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..')
const modules = path.join(root, 'node_modules')
const bundledNode = path.join(modules, '.bin', 'node')
const stampFile = path.join(modules, '.latchkey-install.json')
// Outside node_modules, which `npm ci` empties.
const lockFile = path.join(root, '.cache', 'install.lock')

const oldestNode = [24, 12]
const platforms = ['darwin-arm64', 'darwin-x64', 'linux-arm64', 'linux-x64']
const platform = `${process.platform}-${process.arch}`
const lockBeatMs = 2_000
const lockStaleMs = 20_000

class InstallError extends Error {}

const isNewEnough = (version) => {
  const [major, minor] = version.replace(/^v/, '').split('.').map(Number)
  return major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])
}

const readIfPresent = (file) => {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

const readJsonIfPresent = (file) => {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

/** What the installed tree depends on. */
const wanted = () => {
  const lockText = readIfPresent(path.join(root, 'package-lock.json'))
  if (lockText === undefined) {
    throw new InstallError(
      'package-lock.json is missing or unreadable: restore it with `git checkout package-lock.json`',
    )
  }
  const hash = createHash('sha256')
  for (const part of [lockText, readIfPresent(path.join(root, '.npmrc')) ?? '', platform])
    hash.update(part).update('\0')
  return { lockText, hash: hash.digest('hex') }
}

/** Identifies the binary without running it, which would cost more than all else here. */
const nodeIdentity = () => {
  try {
    const stat = fs.statSync(bundledNode)
    return `${fs.realpathSync(bundledNode)} ${stat.size} ${Math.trunc(stat.mtimeMs)}`
  } catch {
    return undefined
  }
}

const isReady = (hash) => {
  const stamp = readJsonIfPresent(stampFile)
  return stamp?.hash === hash && stamp.node !== undefined && stamp.node === nodeIdentity()
}

let libcName
const libc = () => {
  if (libcName === undefined && process.platform === 'linux') {
    process.report.excludeNetwork = true
    libcName = process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl'
  }
  return (libcName ??= 'none')
}

/** True when npm itself has already installed exactly the lockfile (after `npm ci`, or `npm install` of a new package). */
const npmInstalledThis = (lockText) => {
  const installed = readJsonIfPresent(path.join(modules, '.package-lock.json'))?.packages
  if (installed === undefined) return false
  return Object.entries(JSON.parse(lockText).packages).every(([location, entry]) => {
    if (!location.split('/').includes('node_modules')) return true
    const present = fs.existsSync(path.join(root, location, 'package.json'))
    if (entry.link === true) return present
    const got = installed[location]
    if (got !== undefined) return present && got.version === entry.version && got.integrity === entry.integrity
    // Absent is right only for an optional package that does not name this platform.
    const isForHere = [
      [entry.os, process.platform],
      [entry.cpu, process.arch],
      [entry.libc ?? libc(), libc()],
    ].every(([list, value]) => list?.includes(value))
    return (entry.optional === true || entry.devOptional === true) && !isForHere
  })
}

const runNpmCi = () =>
  new Promise((resolve, reject) => {
    process.stderr.write('latchkey: installing dependencies with `npm ci` (the first time takes about a minute)\n')
    // The tree is about to be emptied: npm must not run on the Node inside it.
    const searchPath = (process.env.PATH ?? '')
      .split(path.delimiter)
      .filter((folder) => !folder.endsWith(path.join('node_modules', '.bin')))
      .join(path.delimiter)
    // The includes are said because NODE_ENV=production or omit=optional would leave out the tools or Node itself; the log
    // level, because npm on an old system Node warns of every package that wants the Node it is about to install.
    const args = ['ci', '--include=dev', '--include=optional', '--no-progress', '--loglevel=error']
    const child = spawn('npm', args, { cwd: root, env: { ...process.env, PATH: searchPath }, stdio: ['ignore', 2, 2] })
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
    let ended
    const forward = (signal) => {
      ended = signal
      child.kill(signal)
    }
    for (const signal of signals) process.on(signal, forward)
    child.once('error', (error) => {
      reject(new InstallError(`npm could not be started (${error.code}): install npm 9 or newer, then run this again`))
    })
    child.once('exit', (code, signal) => {
      for (const name of signals) process.off(name, forward)
      if (code === 0) resolve()
      else if (ended ?? signal) reject(new InstallError(`npm ci was ended by ${ended ?? signal}: run this again`))
      else {
        reject(
          new InstallError(
            `npm ci ended with code ${code}, its reason is above: mend that (network, disk space, or a package.json that no longer fits package-lock.json: \`npm install\`), then run this again`,
          ),
        )
      }
    })
  })

const versionOf = (file) => {
  const result = spawnSync(file, ['--version'], { encoding: 'utf8', timeout: 30_000 })
  return result.status === 0 ? result.stdout.trim() : undefined
}

const bundledNodeRuns = () => {
  const version = fs.existsSync(bundledNode) ? versionOf(bundledNode) : undefined
  return version !== undefined && isNewEnough(version)
}

/** Makes sure that node_modules/.bin/node runs and is new enough; on platforms without a package, uses the running Node. */
const settleNode = () => {
  if (bundledNodeRuns()) return
  // A binary that does not run would shadow the machine's own `node` in every npm script.
  fs.rmSync(bundledNode, { force: true })
  const isInsideTree = fs.realpathSync(process.execPath).startsWith(modules + path.sep)
  if (isNewEnough(process.version) && !isInsideTree) {
    fs.mkdirSync(path.dirname(bundledNode), { recursive: true })
    fs.symlinkSync(process.execPath, bundledNode)
    process.stderr.write(`latchkey: no bundled Node runs on ${platform}; using this Node ${process.version} instead\n`)
    return
  }
  const reason = platforms.includes(platform)
    ? `the Node that npm installed for ${platform} is missing or does not run here (no glibc, or npm left the package out)`
    : `no Node package exists on npm for ${platform} (there are: ${platforms.join(', ')})`
  throw new InstallError(`${reason}: install Node ${oldestNode.join('.')} or newer yourself and run this again with it`)
}

const isAlive = (pid) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

const isStale = (text) => {
  const [host, pid] = text.split(' ')
  if (host === hostname() && pid !== undefined && !isAlive(Number(pid))) return true
  try {
    return Date.now() - fs.statSync(lockFile).mtimeMs > lockStaleMs
  } catch {
    return false
  }
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Runs `work` while no other install of this checkout runs; a lock whose owner died is taken over. */
const withLock = async (work) => {
  const mine = `${hostname()} ${process.pid}`
  let said = false
  fs.mkdirSync(path.dirname(lockFile), { recursive: true })
  for (;;) {
    try {
      fs.writeFileSync(lockFile, mine, { flag: 'wx' })
      break
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
    }
    const owner = readIfPresent(lockFile)
    if (owner && isStale(owner)) {
      fs.rmSync(lockFile, { force: true })
    } else {
      if (!said) process.stderr.write('latchkey: waiting for another install of this checkout\n')
      said = true
      await sleep(200)
    }
  }
  const beat = setInterval(() => {
    const now = new Date()
    fs.utimes(lockFile, now, now, () => {})
  }, lockBeatMs)
  try {
    return await work()
  } finally {
    clearInterval(beat)
    if (readIfPresent(lockFile) === mine) fs.rmSync(lockFile, { force: true })
  }
}

const install = async () => {
  if (Number(process.versions.node.split('.')[0]) < 18) {
    throw new InstallError(
      `this is Node ${process.version}: Node 18 or newer is needed to install (and brings its own)`,
    )
  }
  if (isReady(wanted().hash)) return
  await withLock(async () => {
    const { hash, lockText } = wanted()
    // Another run may have finished while this one waited.
    if (isReady(hash)) return
    // The stamp goes first, so that nobody takes a half-installed tree for a whole one.
    fs.rmSync(stampFile, { force: true })
    if (!npmInstalledThis(lockText) || !bundledNodeRuns()) await runNpmCi()
    settleNode()
    fs.writeFileSync(`${stampFile}.new`, JSON.stringify({ hash, node: nodeIdentity() }))
    fs.renameSync(`${stampFile}.new`, stampFile)
  })
}

/** The pages in the browser: built from sources, on the Node that was just settled. */
const buildPages = async () => {
  const run = (...args) =>
    spawnSync(bundledNode, [path.join(root, 'scripts', 'console.mjs'), ...args], { stdio: ['ignore', 2, 2] }).status ===
    0
  if (run('--check')) return
  if (!(await withLock(() => run())))
    throw new InstallError('the pages in the browser could not be built: the reason is above')
}

try {
  await install()
  await buildPages()
} catch (error) {
  const text =
    error instanceof InstallError
      ? error.message
      : `the install failed: ${error.message ?? error}; remedy: \`git checkout package-lock.json && rm -rf node_modules .cache\`, then run this again`
  process.stderr.write(`latchkey: ${text}\n`)
  process.exitCode = 2
}
