#!/usr/bin/env node
// Starts `latchkey-client`. Published, it is compiled and runs on this Node; in a checkout its sources run on the Node that
// the checkout brings. Plain JavaScript and built-ins only: npm links a bin only when its file is there before the install.
import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const home = path.dirname(path.dirname(realpathSync(fileURLToPath(import.meta.url))))
const source = path.join(home, 'src', 'main.ts')

if (existsSync(source)) {
  const node = path.join(home, '..', '..', 'node_modules', '.bin', 'node')
  const child = spawn(node, ['--conditions=latchkey-source', source, ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.once('error', (error) => {
    process.stderr.write(
      `latchkey-client: ${node} could not be started (${error.code}) — run \`npm ci\` in the checkout\n`,
    )
    process.exitCode = 2
  })
  child.once('exit', (code) => {
    process.exitCode = code ?? 1
  })
} else {
  await import(pathToFileURL(path.join(home, 'dist', 'main.js')).href)
}
