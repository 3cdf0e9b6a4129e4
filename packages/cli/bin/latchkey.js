#!/usr/bin/env node
// Starts `latchkey` on a Node that can run it. Plain JavaScript and built-ins only: whatever `node` comes first on the
// machine runs this file (18 or newer), and npm links a bin only when its file is there before the install.
import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import * as nodeModule from 'node:module'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const condition = '--conditions=latchkey-source'
const self = realpathSync(fileURLToPath(import.meta.url))
const home = path.dirname(path.dirname(self))
const source = path.join(home, 'src', 'main.ts')
const isCheckout = existsSync(source)

const [major, minor] = process.versions.node.split('.').map(Number)
const isNewEnough = major > 24 || (major === 24 && minor >= 12)
const hasCondition =
  process.execArgv.includes(condition) || (process.env.NODE_OPTIONS ?? '').split(' ').includes(condition)

/** The nearest `node_modules/.bin/node` above this file that is not the Node which runs it. */
const findBundledNode = () => {
  const running = realpathSync(process.execPath)
  for (let folder = home; ; folder = path.dirname(folder)) {
    const candidate = path.join(folder, 'node_modules', '.bin', 'node')
    if (existsSync(candidate) && realpathSync(candidate) !== running) return candidate
    if (folder === path.dirname(folder)) return undefined
  }
}

const runWith = (node) => {
  const kept = process.execArgv.filter((flag) => flag !== condition)
  const args = [...kept, ...(isCheckout ? [condition] : []), self, ...process.argv.slice(2)]
  // Replacing the process keeps its id, its terminal and its exit; older Nodes and Windows need a child.
  if (typeof process.execve === 'function' && process.platform !== 'win32') {
    process.execve(node, [node, ...args], process.env)
  }
  const child = spawn(node, args, { stdio: 'inherit' })
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']
  for (const signal of signals) process.on(signal, () => child.kill(signal))
  child.once('error', (error) => {
    process.stderr.write(`latchkey: ${node} could not be started (${error.code}): run \`npm ci\` in the checkout\n`)
    process.exitCode = 2
  })
  child.once('exit', (code, signal) => {
    if (signal === null) {
      process.exitCode = code ?? 1
      return
    }
    // Ends by the same signal, so that the caller sees what happened.
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

if (isNewEnough && (hasCondition || !isCheckout)) {
  // The cache stays inside the checkout: what lies in a shared temporary folder would be run as code.
  if (isCheckout) nodeModule.enableCompileCache?.(path.join(home, '..', '..', '.cache', 'compile'))
  await import(pathToFileURL(isCheckout ? source : path.join(home, 'dist', 'main.js')).href)
} else {
  const node = isNewEnough ? process.execPath : findBundledNode()
  if (node === undefined) {
    process.stderr.write(
      `latchkey: this is Node ${process.version}, and Node 24.12 or newer is needed: install it, or run \`npm ci\` in the checkout\n`,
    )
    process.exitCode = 2
  } else {
    runWith(node)
  }
}
