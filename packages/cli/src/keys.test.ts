import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
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
import { runCli, runCliJson, type CliResult } from './testing/run-cli.ts'

/* `key` and `master-key` against a whole server, as processes of their own. */

let home: string
let server: RunningServer | undefined

async function start(): Promise<void> {
  const config = developmentConfig({ data_dir: path.join(home, '.latchkey'), environment: 'test' })
  server = await startServer(
    { ...config, port: 0, adminPort: 0, apiPort: 0, mtls: undefined },
    { clock: systemClock, random: systemRandom(), logger: createLogger('silent'), version: '0.0.0-test' },
  )
}

async function stop(): Promise<void> {
  await server?.stop()
  server = undefined
}

beforeAll(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'lk-keys-'))
  await start()
})
afterAll(async () => {
  await stop()
  await rm(home, { recursive: true })
})

const cli = (...args: string[]): Promise<CliResult> => runCli(args, { cwd: home })
const json = (...args: string[]): Promise<Record<string, unknown>> => runCliJson(args, { cwd: home })

interface Key {
  readonly kid: string
  readonly state: string
}

async function kidIn(state: string): Promise<string> {
  const { items } = await json('key', 'list')
  const found = (items as Key[]).find((key) => key.state === state)
  if (found === undefined) throw new Error(`no ${state} key`)
  return found.kid
}

describe('key', () => {
  it('list says what becomes of each key, and when the next rotation is', async () => {
    const human = await cli('key', 'list')
    expect(human).toMatchObject({ code: 0, stderr: '' })
    expect(human.stdout).toMatch(/^KID +ALGORITHM +STATE +SINCE +NEXT\n/)
    expect(human.stdout).toContain('may sign from ')
    expect(human.stdout).toContain('\nThe next key signs from ')
    expect(await json('key', 'list')).toMatchObject({ next_rotation_at: expect.any(Number) as number })
  })

  it('rotate does it at once, and warns of a young standby', async () => {
    const [active, standby] = [await kidIn('active'), await kidIn('standby')]
    const human = await cli('key', 'rotate')
    expect(human.code).toBe(0)
    expect(human.stdout).toContain(`Key ${standby} signs from now on.\n`)
    expect(human.stdout).toContain(`Key ${active} is retired.\n`)
    expect(human.stderr).toMatch(/^warning: .*cache time/)
    const answer = await json('key', 'rotate')
    expect(answer).toMatchObject({ retired: standby, warning: expect.stringContaining('cache time') as string })
  })

  it('revoke ends a key; the one that signs is followed by the standby', async () => {
    const [active, standby] = [await kidIn('active'), await kidIn('standby')]
    const human = await cli('key', 'revoke', active)
    expect(human.code).toBe(0)
    expect(human.stdout).toContain(`Key ${active} is revoked, with every token under it.\n`)
    expect(human.stdout).toContain(`Key ${standby} signs from now on.\n`)
    expect(await json('key', 'revoke', active)).toEqual({ revoked: active, created: [], removed: [] })
    expect(await kidIn('active')).toBe(standby)
  })

  it('revoke of an unknown kid ends with 1 and a hint, of what is no kid with 2', async () => {
    const unknown = await cli('key', 'revoke', 'A'.repeat(43), '--json')
    expect(unknown).toMatchObject({ code: 1, stdout: '' })
    expect(JSON.parse(unknown.stderr)).toMatchObject({
      error: 'key.unknown',
      hint: '`latchkey key list` shows the keys',
    })
    expect(await cli('key', 'revoke', 'x')).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('master-key rotate', () => {
  it('refuses while the server runs on an embedded database, and changes nothing', async () => {
    const before = await readdir(path.join(home, '.latchkey'))
    const refused = await cli('master-key', 'rotate', '--data-dir', '.latchkey', '--json')
    expect(refused).toMatchObject({ stdout: '' })
    expect(refused.code).not.toBe(0)
    expect(JSON.parse(refused.stderr)).toMatchObject({ error: 'data_directory.locked' })
    expect((await readdir(path.join(home, '.latchkey'))).toSorted()).toEqual(before.toSorted())
  })

  it('needs to know where', async () => {
    const refused = await cli('master-key', 'rotate')
    expect(refused).toMatchObject({ stdout: '' })
    expect(refused.stderr).toContain('no data directory is set')
  })

  it('puts a new key in place, and the server starts with it', async () => {
    const file = path.join(home, '.latchkey', 'master.key')
    const old = (await readFile(file, 'utf8')).trim()
    await stop()
    const rotated = await cli('master-key', 'rotate', '--data-dir', '.latchkey')
    expect(rotated).toMatchObject({ code: 0, stderr: '' })
    expect(rotated.stdout).toContain('3 data keys are sealed under the new master key.\n')
    const fresh = (await readFile(file, 'utf8')).trim()
    expect(fresh).not.toBe(old)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    for (const key of [old, fresh]) expect(rotated.stdout).not.toContain(key.slice(0, 8))
    await start()
    const { items } = await json('audit', 'list', '--limit', '20')
    expect(JSON.stringify(items)).toContain('master_key.rotated')
    expect(await json('audit', 'verify')).toMatchObject({ intact: true })
  })

  it('to a file that is named: servers are told of it', async () => {
    await stop()
    const file = path.join(home, 'new.key')
    const args = ['master-key', 'rotate', '--data-dir', '.latchkey', '--new-key-file', 'new.key']
    expect(await json(...args)).toEqual({ data_keys: 3, master_key_file: file, in_place: false })
    expect((await cli(...args)).stdout).toContain(`It is in ${file}: set LATCHKEY_MASTER_KEY_FILE`)
    await expect(start()).rejects.toMatchObject({ code: 'master_key.wrong' })
  })
})
