import { chmod, chown, lchown, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCli, type CliOptions } from './testing/run-cli.ts'

let home: string
let data: string
let socket: string
let peer: Server

/** Something that listens and answers: whether the command line found it, or refused to ask it, is what is shown here. The real server is in administration.test.ts. */
beforeEach(async () => {
  home = await realpath(await mkdtemp(path.join(os.tmpdir(), 'lk-find-')))
  data = path.join(home, 'work', '.latchkey')
  await mkdir(data, { recursive: true, mode: 0o700 })
  socket = path.join(home, 's.sock')
  peer = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end('{"items":[]}')
  })
  await new Promise<void>((resolve) => void peer.listen(socket, resolve))
  await writeFile(path.join(data, 'admin.json'), JSON.stringify({ socket }))
})

afterEach(async () => {
  await new Promise((resolve) => peer.close(resolve))
  await rm(home, { recursive: true })
})

const list = (options: CliOptions, ...more: string[]) => runCli(['key', 'list', '--json', ...more], options)
const found = { code: 0, stdout: '{"items":[]}\n', stderr: '' }

describe('the server is found by', () => {
  it('--data-dir, before everything else', async () => {
    const environment = { LATCHKEY_ADMIN_SOCKET: '/nowhere', LATCHKEY_DATA_DIR: '/nowhere' }
    expect(await list({ environment }, '--data-dir', data)).toEqual(found)
  })
  it('LATCHKEY_ADMIN_SOCKET', async () => {
    expect(await list({ environment: { LATCHKEY_ADMIN_SOCKET: socket, LATCHKEY_DATA_DIR: '/nowhere' } })).toEqual(found)
  })
  it('LATCHKEY_DATA_DIR', async () => {
    expect(await list({ environment: { LATCHKEY_DATA_DIR: data, LATCHKEY_ADMIN_SOCKET: '' } })).toEqual(found)
  })
  it('LATCHKEY_DATA_DIR, when the socket named is too long to be one', async () => {
    const environment = { LATCHKEY_ADMIN_SOCKET: `/${'x'.repeat(120)}`, LATCHKEY_DATA_DIR: data }
    expect(await list({ environment })).toEqual(found)
  })
  it('.latchkey in the working directory', async () => {
    expect(await list({ cwd: path.dirname(data) })).toEqual(found)
  })
  it('.latchkey above the working directory', async () => {
    const below = path.join(home, 'work', 'a', 'b')
    await mkdir(below, { recursive: true })
    expect(await list({ cwd: below })).toEqual(found)
  })
})

describe('no server', () => {
  const cases: [string, () => Promise<CliOptions>, string][] = [
    ['nothing near', () => Promise.resolve({ cwd: '/' }), 'server.not_running'],
    [
      'no such directory',
      () => Promise.resolve({ environment: { LATCHKEY_DATA_DIR: '/nowhere' } }),
      'server.not_running',
    ],
    ['a pointer to nothing', () => point(path.join(home, 'gone.sock')), 'server.not_running'],
    ['a pointer that is none', () => point(undefined), 'server.not_running'],
    ['a pointer that is relative', () => point('s.sock'), 'server.not_running'],
    ['a file where the socket should be', () => point(path.join(data, 'admin.json')), 'admin_socket.not_ours'],
  ]
  it.each(cases)('%s → 2', async (_title, arrange, error) => {
    const result = await list(await arrange())
    expect({ code: result.code, stdout: result.stdout }).toEqual({ code: 2, stdout: '' })
    expect(JSON.parse(result.stderr)).toMatchObject({ error })
  })

  it.runIf(process.geteuid?.() === 0)('a socket of another user → 2, and it is told nothing', async () => {
    let isAsked = false
    peer.on('request', () => (isAsked = true))
    await chown(socket, 65534, 65534)
    const result = await list({ environment: { LATCHKEY_ADMIN_SOCKET: socket } })
    expect(result.code).toBe(2)
    expect(JSON.parse(result.stderr)).toMatchObject({ error: 'admin_socket.not_ours' })
    expect(isAsked).toBe(false)
  })
})

describe('what others could have planted is not believed, and is told nothing', () => {
  const isRoot = process.geteuid?.() === 0
  const near = (): CliOptions => ({ cwd: path.dirname(data) })
  const named = (): CliOptions => ({ environment: { LATCHKEY_ADMIN_SOCKET: socket } })
  const cases: [string, boolean, () => Promise<unknown>, () => CliOptions][] = [
    ['a .latchkey of another user', true, () => chown(data, 65534, 65534), near],
    ['a .latchkey that others may write', false, () => chmod(data, 0o777), near],
    ['an admin.json of another user', true, () => chown(path.join(data, 'admin.json'), 65534, 65534), near],
    ['an admin.json that others may write', false, () => chmod(path.join(data, 'admin.json'), 0o664), near],
    ['a link of another user to ours', true, () => plantLink(), near],
    ['a socket in a directory that others may write', false, () => chmod(home, 0o777), named],
    ['a link where the socket should be', false, () => linkSocket(), named],
  ]
  it.each(cases.filter(([, needsRoot]) => isRoot || !needsRoot))('%s → 2', async (_title, _root, arrange, options) => {
    let isAsked = false
    peer.on('request', () => (isAsked = true))
    await arrange()
    const result = await list(options())
    expect({ code: result.code, stdout: result.stdout, isAsked }).toEqual({ code: 2, stdout: '', isAsked: false })
    expect(JSON.parse(result.stderr)).toMatchObject({ error: 'admin_socket.not_ours' })
  })

  it('but a data directory that was named may be of any mode', async () => {
    await chmod(data, 0o777)
    expect(await list({ environment: { LATCHKEY_DATA_DIR: data } })).toEqual(found)
  })

  async function plantLink(): Promise<void> {
    const link = path.join(home, '.latchkey')
    await symlink(data, link)
    await lchown(link, 65534, 65534)
    data = path.join(home, '.latchkey')
  }
  async function linkSocket(): Promise<void> {
    const link = path.join(home, 'link.sock')
    await symlink(socket, link)
    socket = link
  }
})

describe('a server that answers nonsense', () => {
  const cases: [string, number, string, string][] = [
    ['no JSON', 200, 'text/html', '<p>'],
    ['an error that is no problem document', 502, 'text/html', '<p>'],
    ['a problem document without a reason', 500, 'application/problem+json', '{"status":500}'],
  ]
  it.each(cases)('%s → 1', async (_title, status, type, body) => {
    peer.removeAllListeners('request')
    peer.on('request', (_request, response) => {
      response.writeHead(status, { 'content-type': type }).end(body)
    })
    const result = await list({ environment: { LATCHKEY_ADMIN_SOCKET: socket } })
    expect({ code: result.code, stdout: result.stdout }).toEqual({ code: 1, stdout: '' })
    expect(JSON.parse(result.stderr)).toMatchObject({ error: 'server.no_answer' })
  })

  it('hides control characters of names and messages', async () => {
    peer.removeAllListeners('request')
    const evil = '\u001b[2J\u202e\u0007'
    peer.on('request', (_request, response) => {
      const key = { kid: `k${evil}`, algorithm: 'ES256', state: 'active', created_at: 0 }
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ items: [key] }))
    })
    const environment = { LATCHKEY_ADMIN_SOCKET: socket }
    const human = await runCli(['key', 'list'], { environment })
    expect(human.stdout).toContain('k\\u{1b}[2J\\u{202e}\\u{7}')
    const raw = /[\p{Cc}\p{Cf}]/u
    expect(human.stdout.replaceAll('\n', '')).not.toMatch(raw)
    const json = await runCli(['key', 'list', '--json'], { environment })
    expect(json.stdout.trimEnd()).not.toMatch(raw)
    expect(JSON.parse(json.stdout)).toMatchObject({ items: [{ kid: `k${evil}` }] })
  })
})

describe('doctor without a server', () => {
  it('says so, with what to do, and ends with 1', async () => {
    const result = await runCli(['doctor', '--json'], { environment: { LATCHKEY_DATA_DIR: home } })
    expect(result.code).toBe(1)
    const { ok, findings } = JSON.parse(result.stdout) as { ok: boolean; findings: Record<string, string>[] }
    expect(ok).toBe(false)
    expect(findings.find((finding) => finding['check'] === 'node')).toMatchObject({ status: 'ok' })
    expect(findings.find((finding) => finding['check'] === 'server')).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('not running') as string,
      remedy: expect.stringContaining('npm start') as string,
    })
  })

  it('warns of a data directory that others may enter', async () => {
    await mkdir(path.join(home, 'open'), { mode: 0o755 })
    const { stdout } = await runCli(['doctor'], { environment: { LATCHKEY_DATA_DIR: path.join(home, 'open') } })
    expect(stdout).toMatch(/warning {2}data directory: others may enter .*mode 0755/)
  })
})

/** The data directory's `admin.json`, made to name this. */
async function point(target: string | undefined): Promise<CliOptions> {
  await writeFile(
    path.join(data, 'admin.json'),
    target === undefined ? '{"socket":' : JSON.stringify({ socket: target }),
  )
  return { environment: { LATCHKEY_DATA_DIR: data } }
}
