import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir, userInfo } from 'node:os'
import path from 'node:path'
import { settingKeys, variableName } from '@latchkey/server/settings'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkout, latchkey, startDev, type LatchkeyProcess } from './latchkey-process.ts'

/* What can be checked of the packaging without a container or an init: that it speaks of a program that exists. */

const read = (name: string): string => readFileSync(path.join(checkout, 'packaging', name), 'utf8')
const files = ['Dockerfile', 'compose.yaml', 'latchkey.service']

test.each(files)('%s names only settings that there are', (file) => {
  const named = new Set(read(file).match(/LATCHKEY_[A-Z_]+/g))
  expect(named.size).toBeGreaterThan(1)
  const known = new Set(settingKeys.map((key) => variableName(key)))
  expect([...named].filter((name) => !known.has(name))).toEqual([])
})

test.each([
  ['serve', ['--config']],
  ['init', ['--issuer', '--config', '--data-dir', '--master-key-file']],
])('latchkey %s has the options that the unit gives it', async (command, options) => {
  const unit = read('latchkey.service').replaceAll('\\\n#', '')
  const line = unit.split('\n').find((each) => each.includes(`latchkey ${command} `)) ?? ''
  expect(line.match(/--[a-z-]+/g)).toEqual(options)
  const help = await latchkey([command, '--help'])
  for (const option of options) expect(help.stdout).toContain(`${option} `)
})

test('the image is given every package of the workspace before dependencies are installed, and files that there are', () => {
  const dockerfile = read('Dockerfile')
  const { workspaces } = JSON.parse(readFileSync(path.join(checkout, 'package.json'), 'utf8')) as {
    workspaces: string[]
  }
  const folders = workspaces.flatMap((pattern) =>
    pattern.endsWith('/*')
      ? readdirSync(path.join(checkout, pattern.slice(0, -2))).map((name) => pattern.replace('*', name))
      : [pattern],
  )
  const manifests = folders
    .map((folder) => `${folder}/package.json`)
    .filter((file) => existsSync(path.join(checkout, file)))
  for (const manifest of manifests) expect(dockerfile).toContain(`COPY ${manifest} ${path.dirname(manifest)}/\n`)
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources = '']) =>
    sources.split(' '),
  )
  expect(copied.filter((source) => !existsSync(path.join(checkout, source)))).toEqual([])
  const run = [...dockerfile.matchAll(/\/app\/(\S+?\.js)/g)].map(([, file = '']) => file)
  expect(run.length).toBe(2)
  expect(run.filter((file) => !existsSync(path.join(checkout, file)))).toEqual([])
})

test('the compose file builds by a Dockerfile that is there, and keeps secrets out of itself', () => {
  const compose = read('compose.yaml')
  const [, context = '', dockerfile = ''] = /context: (\S+)\n\s+dockerfile: (\S+)/.exec(compose) ?? []
  expect(existsSync(path.join(checkout, 'packaging', context, dockerfile))).toBe(true)
  expect(compose.split('\n').filter((line) => /^\s+\w*(PASSWORD|MASTER_KEY|DATABASE_URL)\w*:/.test(line))).toEqual([
    '      POSTGRES_PASSWORD_FILE: /run/secrets/postgres-password',
    '      LATCHKEY_MASTER_KEY_FILE: /run/secrets/master-key',
  ])
})

const analyze = spawnSync('systemd-analyze', ['--version'])
test.skipIf(analyze.status !== 0)('systemd takes the unit as it stands', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-unit-'))
  try {
    // Program and user of this machine: neither is installed where this runs.
    const unit = read('latchkey.service')
      .replace('/usr/local/bin/latchkey', process.execPath)
      .replace('User=latchkey', `User=${userInfo().username}`)
    const file = path.join(folder, 'latchkey.service')
    const verify = (text: string) => {
      writeFileSync(file, text)
      return spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' })
    }
    expect(verify(unit)).toMatchObject({ status: 0, stderr: '' })
    expect(verify(unit.replace('ProtectSystem=strict', 'ProtectSystem=nonsense')).stderr).toContain('Failed to parse')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

describe('the health check of the image', () => {
  let folder: string
  let server: LatchkeyProcess

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'latchkey-health-'))
    server = await startDev(path.join(folder, 'data'))
  })
  afterAll(async () => {
    await server.stop()
    rmSync(folder, { recursive: true })
  })

  function check(port: string): number | null {
    const command = path.join(checkout, 'packages/cli/bin/healthcheck.js')
    return spawnSync(process.execPath, [command], { env: { LATCHKEY_ADMIN_PORT: port } }).status
  }

  test('ends with 0 for a server that is ready, with 1 for none, and for one that is not', async () => {
    const { port } = new URL(server.ready.console)
    expect(check(port)).toBe(0)
    expect(check('9')).toBe(1)
    const stopping = createServer((_, response) => response.writeHead(503).end())
    await new Promise<void>((resolve) => stopping.listen(0, '127.0.0.1', resolve))
    const command = path.join(checkout, 'packages/cli/bin/healthcheck.js')
    const child = spawn(process.execPath, [command], {
      env: { LATCHKEY_ADMIN_PORT: String((stopping.address() as { port: number }).port) },
    })
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(1)
    stopping.close()
  })
})
