import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import os from 'node:os'
import path from 'node:path'
import {
  createLogger,
  developmentConfig,
  startServer,
  systemClock,
  systemRandom,
  type RunningServer,
} from '@latchkey/server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli, runCliJson, type CliResult } from '../../testing/run-cli.ts'

let home: string
let server: RunningServer

beforeAll(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'lk-audit-'))
  const config = developmentConfig({ data_dir: path.join(home, '.latchkey'), environment: 'test' })
  server = await startServer(
    { ...config, port: 0, adminPort: 0, apiPort: 0, mtls: undefined },
    { clock: systemClock, random: systemRandom(), logger: createLogger('silent'), version: '0.0.0-test' },
  )
  const clients = Array.from({ length: 1500 }, (_, i) => ({ client_id: `c${i}`, name: 'n', scopes: [] }))
  const input = JSON.stringify({ latchkey: 1, clients })
  await runCli(['apply', '-f', '-'], { cwd: home, input })
})

afterAll(async () => {
  await server.stop()
  await rm(home, { recursive: true })
})

describe('audit export', () => {
  it('prints every entry of all pages, newest first, and then that it is complete', async () => {
    const { code, stdout, stderr } = await cli('audit', 'export', '--event', 'client')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines.at(-1)).toEqual({ complete: true, entries: 1500 })
    const subjects = lines.slice(0, -1).map((entry) => entry['subject'])
    expect(new Set(subjects).size).toBe(1500)
    expect(lines[0]).toMatchObject({ event: 'client.created', actor: 'local-socket' })
  })

  it('keeps to --since and --client', async () => {
    const later = await cli('audit', 'export', '--since', String(Math.ceil(Date.now() / 1000) + 3600))
    expect(later).toMatchObject({ code: 0, stdout: '{"complete":true,"entries":0}\n' })
    const one = await cli('audit', 'export', '--client', 'c7', '--json')
    expect(one.stdout).toMatch(/^\{.*"subject":"c7".*\}\n\{"complete":true,"entries":1\}\n$/)
  })

  it('refuses other formats and moments that are none', async () => {
    for (const args of [
      ['--format', 'xml'],
      ['--since', 'yesterday'],
      ['--limit', '5'],
    ]) {
      expect(await cli('audit', 'export', ...args)).toMatchObject({ code: 2, stdout: '' })
    }
  })

  it('a connection that breaks half way → 1, and no line that says complete', async () => {
    const folder = path.join(home, 'broken')
    await mkdir(folder, { mode: 0o700 })
    const socket = path.join(folder, 'admin.sock')
    let requests = 0
    const broken = createServer((request, response) => {
      requests++
      if (requests > 1) {
        request.socket.destroy()
        return
      }
      const entry = { at: 1, event: 'client.created', request_id: 'r', actor: 'a', subject: 's', details: {} }
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ items: [entry], next_cursor: 'more' }))
    })
    await once(broken.listen(socket), 'listening')
    const result = await runCli(['audit', 'export'], { environment: { LATCHKEY_ADMIN_SOCKET: socket } })
    broken.close()
    expect(result.code).toBe(1)
    expect(result.stdout).toContain('"subject":"s"')
    expect(result.stdout).not.toContain('complete')
    expect(result.stderr).toMatch(/did not answer/)
  })

  it('a reader that goes away → 1', async () => {
    const main = path.join(import.meta.dirname, '../../main.ts')
    const child = spawn(process.execPath, ['--conditions=latchkey-source', main, 'audit', 'export'], {
      cwd: home,
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    await once(child.stdout, 'data')
    child.stdout.destroy()
    const [code] = (await once(child, 'close')) as [number]
    expect(code).toBe(1)
  })
})

describe('a list of what was exported', () => {
  it('agrees with it', async () => {
    const page = await runCliJson(['audit', 'list', '--client', 'c7'], { cwd: home })
    const { stdout } = await cli('audit', 'export', '--client', 'c7')
    expect((page['items'] as unknown[])[0]).toEqual(JSON.parse(stdout.split('\n')[0] ?? ''))
  })
})

function cli(...args: string[]): Promise<CliResult> {
  return runCli(args, { cwd: home })
}
