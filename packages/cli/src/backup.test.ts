import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
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
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCli, runCliJson, type CliResult } from './testing/run-cli.ts'

/* `backup` and `restore` as an operator runs them: the server in this process, each command in one of its own. */

let home: string
let server: RunningServer

async function start(): Promise<void> {
  const config = developmentConfig({ data_dir: path.join(home, '.latchkey'), environment: 'test' })
  server = await startServer(
    { ...config, port: 0, adminPort: 0, apiPort: 0, mtls: undefined },
    { clock: systemClock, random: systemRandom(), logger: createLogger('silent'), version: '0.0.0-test' },
  )
}

beforeEach(async () => {
  home = mkdtempSync(path.join(os.tmpdir(), 'lk-backup-'))
  await start()
})

afterEach(async () => {
  await server.stop()
  rmSync(home, { recursive: true })
})

function cli(...args: string[]): Promise<CliResult> {
  return runCli(args, { cwd: home })
}

async function refusal(...args: string[]): Promise<{ code: number | null; error: unknown }> {
  const { code, stdout, stderr } = await cli(...args, '--json')
  expect(stdout).toBe('')
  return { code, error: (JSON.parse(stderr) as { error: unknown }).error }
}

const restoreHere = ['restore', 'a.backup', '--data-dir', '.latchkey']

describe('backup', () => {
  it('writes a file for this user alone, and says what it wrote', async () => {
    const written = await runCliJson(['backup', 'a.backup'], { cwd: home })
    const file = path.join(home, 'a.backup')
    expect(written).toEqual({ file, bytes: statSync(file).size, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(home).toSorted()).toEqual(['.latchkey', 'a.backup'])
    const { items } = await server.services.audit.list({ event: 'backup.taken', limit: 1 })
    expect(items[0]).toMatchObject({
      actor: 'local-socket',
      details: { sha256: written['sha256'], bytes: written['bytes'] },
    })
  })

  it('replaces no file but with --force', async () => {
    const file = path.join(home, 'a.backup')
    writeFileSync(file, 'precious')
    expect(await refusal('backup', 'a.backup')).toEqual({ code: 1, error: 'backup.file_exists' })
    expect(readFileSync(file, 'utf8')).toBe('precious')
    expect(await cli('backup', 'a.backup', '--force')).toMatchObject({ code: 0, stderr: '' })
    expect(readFileSync(file).subarray(0, 2)).toEqual(Buffer.of(0x1f, 0x8b))
  })

  it('says so when it cannot write, or no server runs, and leaves nothing behind', async () => {
    expect(await refusal('backup', 'nowhere/a.backup')).toEqual({ code: 1, error: 'backup.unwritable' })
    await server.stop()
    expect(await refusal('backup', 'a.backup')).toMatchObject({ code: 2, error: 'server.not_running' })
    expect(readdirSync(home)).toEqual(['.latchkey'])
    expect(await cli('backup')).toMatchObject({ code: 2 })
  })
})

describe('restore', () => {
  it('brings back what was deleted, and lists what is undone', async () => {
    await cli('api', 'create', 'shop', '--audience', 'urn:shop', '--scope', 'read')
    const client = await runCliJson(['client', 'create', 'kept', '--scope', 'shop/read', '--show-secret'], {
      cwd: home,
    })
    const clientId = String(client['client_id'])
    const old = await runCliJson(['token', 'get', clientId], { cwd: home })
    await cli('backup', 'a.backup')
    await cli('client', 'delete', clientId, '--yes')
    expect(await refusal(...restoreHere, '--replace', '--yes')).toEqual({ code: 2, error: 'data_directory.locked' })
    await server.stop()

    expect(await refusal(...restoreHere)).toEqual({ code: 2, error: 'restore.not_empty' })
    expect(await refusal(...restoreHere, '--replace')).toEqual({ code: 2, error: 'usage' })
    const restored = await cli(...restoreHere, '--replace', '--yes')
    expect(restored).toMatchObject({ code: 0, stderr: '' })
    expect(restored.stdout).toContain('client.deleted')
    expect(restored.stdout).toContain(clientId)

    await start()
    expect(await runCliJson(['client', 'show', clientId], { cwd: home })).toMatchObject({ client_id: clientId })
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: clientId,
      client_secret: String(client['client_secret']),
    })
    const answer = await fetch(server.tokenEndpoint, { method: 'POST', body })
    expect(answer.status).toBe(200)
    const inspected = await runCliJson(['token', 'inspect', String(old['access_token'])], { cwd: home })
    expect(inspected).toMatchObject({ active: false })
    expect(await cli('audit', 'verify')).toMatchObject({ code: 0 })
  })

  it('refuses a file that was changed, and a place without its master key', async () => {
    await cli('backup', 'a.backup')
    await server.stop()
    const file = path.join(home, 'a.backup')
    const bytes = readFileSync(file)
    bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1)
    writeFileSync(path.join(home, 'b.backup'), bytes)
    const changed = ['restore', 'b.backup', '--data-dir', '.latchkey', '--replace', '--yes']
    expect(await refusal(...changed)).toEqual({ code: 2, error: 'backup.invalid' })
    expect(await refusal('restore', 'a.backup')).toEqual({ code: 2, error: 'config.invalid' })
    expect(await refusal('restore', 'a.backup', '--data-dir', 'fresh')).toEqual({ code: 2, error: 'config.invalid' })
    expect(existsSync(path.join(home, 'fresh'))).toBe(false)
    await start()
  })
})
