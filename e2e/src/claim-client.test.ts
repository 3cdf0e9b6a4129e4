import { execFile, spawn } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  admin,
  checkout,
  newDirectory,
  postForm,
  removeDirectory,
  startDev,
  type LatchkeyProcess,
} from './latchkey-process.ts'

/* `latchkey-client claim`, as a process against a server that runs. */

const run = promisify(execFile)
const bin = path.join(checkout, 'packages/client/bin/latchkey-client.js')
const read = 'configurations/configurations.read'
let directory: string
let server: LatchkeyProcess
let folder: string
let count = 0
const open: Server[] = []

beforeAll(async () => {
  directory = newDirectory()
  server = await startDev(path.join(directory, 'data'))
})

beforeEach(() => {
  folder = path.join(directory, `target-${++count}`)
  mkdirSync(folder)
})

afterEach(() => {
  for (const each of open.splice(0)) {
    each.closeAllConnections()
    each.close()
  }
})

afterAll(async () => {
  await server.stop()
  removeDirectory(directory)
})

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function client(
  args: readonly string[],
  options: { environment?: Record<string, string>; input?: string } = {},
): Promise<Ended> {
  const { LATCHKEY_DELIVERY_LINK: _link, LATCHKEY_DELIVERY_CODE: _code, ...inherited } = process.env
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: folder,
    env: { ...inherited, ...options.environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  child.stdin.end(options.input ?? '')
  const texts = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (texts.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (texts.stderr += chunk.toString()))
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code: code ?? -1, ...texts }))
  })
}

interface Made {
  readonly id: string
  readonly link: string
  readonly code: string | undefined
  readonly clientId: string
}

async function makeLink(body: object = {}): Promise<Made> {
  const socket = server.ready.admin_socket
  const { body: made } = await admin<{ client_id: string }>(socket, 'POST', '/clients', {
    name: 'Nightly',
    scopes: [read],
  })
  const { body: link } = await admin<{ id: string; delivery_link: string; code?: string }>(
    socket,
    'POST',
    `/clients/${made.client_id}/links`,
    body,
  )
  return { id: link.id, link: link.delivery_link, code: link.code, clientId: made.client_id }
}

async function stateOf({ id }: Made): Promise<string | undefined> {
  const { body } = await admin<{ items: { id: string; state: string }[] }>(
    server.ready.admin_socket,
    'GET',
    '/links?limit=1000',
  )
  return body.items.find((one) => one.id === id)?.state
}

async function works(clientId: string, secret: string): Promise<boolean> {
  const answer = await postForm(
    server.ready.token_endpoint,
    { client_id: clientId, client_secret: secret },
    {
      grant_type: 'client_credentials',
    },
  )
  return answer.status === 200
}

const secretIn = (text: string) => /lk_dev_\w+/.exec(text)?.[0] ?? ''

describe('claim', () => {
  test('to a file of variables: whole, its owner’s alone, acknowledged, and the same to sh as it is', async () => {
    const made = await makeLink()
    const ended = await client(['claim', made.link, '--to', 'env:.env'])
    expect(ended).toMatchObject({
      code: 0,
      stderr: '',
      stdout: `The credential of client ${made.clientId} is in .env.\n`,
    })
    const file = path.join(folder, '.env')
    const text = readFileSync(file, 'utf8')
    expect(text).toMatch(
      /^LATCHKEY_ISSUER=http\S+\nLATCHKEY_CLIENT_ID=[a-z0-9]{24}\nLATCHKEY_CLIENT_SECRET=lk_dev_\w+\n$/,
    )
    expect(lstatSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['.env'])
    const shell = await run('sh', ['-c', `. ./.env; printf %s "$LATCHKEY_CLIENT_SECRET"`], { cwd: folder })
    expect(await works(made.clientId, shell.stdout)).toBe(true)
    expect(await stateOf(made)).toBe('delivered')
  })

  test.each([
    ['json:c.json', (text: string) => (JSON.parse(text) as { client_secret: string }).client_secret],
    ['env:c.env', secretIn],
  ])('to %s', async (to, secretOf) => {
    const made = await makeLink()
    const ended = await client(['claim', made.link, '--to', to, '--json'])
    expect(ended.code).toBe(0)
    expect(JSON.parse(ended.stdout)).toMatchObject({ client_id: made.clientId, acknowledged: true })
    const text = readFileSync(path.join(folder, to.split(':')[1] ?? ''), 'utf8')
    expect(`${ended.stdout}${ended.stderr}`).not.toContain(secretOf(text))
    expect(await works(made.clientId, secretOf(text))).toBe(true)
  })

  test.each(['stdout', 'k8s:nightly'])('to %s: the credential there, everything else on standard error', async (to) => {
    const made = await makeLink()
    const ended = await client(['claim', made.link, '--to', to])
    expect(ended.code).toBe(0)
    expect(await works(made.clientId, secretIn(ended.stdout))).toBe(true)
    expect(ended.stderr).not.toContain(secretIn(ended.stdout))
    if (to !== 'stdout') expect(ended.stdout).toMatch(/^apiVersion: v1\nkind: Secret\nmetadata:\n {2}name: "nightly"\n/)
    expect(await stateOf(made)).toBe('delivered')
  })

  test('of a link from standard input, or from the environment, with its code', async () => {
    const first = await makeLink()
    expect((await client(['claim', '-', '--to', 'env:a'], { input: `${first.link}\n` })).code).toBe(0)
    const second = await makeLink({ with_code: true })
    const environment = { LATCHKEY_DELIVERY_LINK: second.link, LATCHKEY_DELIVERY_CODE: second.code ?? '' }
    expect((await client(['claim', '--to', 'env:b'], { environment })).code).toBe(0)
    expect(readdirSync(folder)).toEqual(['a', 'b'])
  })
})

describe('what is refused before anything is spent', () => {
  const cases: readonly (readonly [what: string, args: (link: string) => string[], code: number, message: RegExp])[] = [
    ['no link', () => ['claim', '--to', 'env:x'], 2, /there is no link/],
    ['a link without its key', (link) => ['claim', link.split('#')[0] ?? '', '--to', 'env:x'], 2, /not all of it/],
    ['two links', (link) => ['claim', link, link, '--to', 'env:x'], 2, /one link/],
    ['no target', (link) => ['claim', link], 2, /--to/],
    ['an unknown target', (link) => ['claim', link, '--to', 'clipboard'], 2, /does not name a target/],
    [
      'a target of a later version',
      (link) => ['claim', link, '--to', 'vault:secret/x'],
      2,
      /does not have --to vault yet/,
    ],
    ['a command of a later version', () => ['whoami'], 2, /does not have latchkey-client whoami yet/],
    ['an unknown command', () => ['take'], 2, /no such command/],
    ['an unknown option', (link) => ['claim', link, '--to', 'env:x', '--loud'], 2, /option is unknown/],
    [
      'plain http to somewhere',
      (link) => ['claim', link.replace('127.0.0.1', 'auth.example.com'), '--to', 'env:x'],
      2,
      /not https/,
    ],
    [
      'a folder that is not there',
      (link) => ['claim', link, '--to', 'env:none/x'],
      1,
      /folder of none\/x is not there/,
    ],
    ['a file that is there', (link) => ['claim', link, '--to', 'env:there'], 1, /there already/],
    ['a link to somewhere', (link) => ['claim', link, '--to', 'env:symbolic', '--force'], 1, /no plain file/],
    ['a folder', (link) => ['claim', link, '--to', 'json:.', '--force'], 1, /no plain file/],
    ['a wrong code', (link) => ['claim', link, '--to', 'env:x', '--code', '1'], 1, /not the right one/],
    ['no code', (link) => ['claim', link, '--to', 'env:x'], 1, /needs the code/],
  ]
  test.each(cases)('%s', async (_, args, code, message) => {
    writeFileSync(path.join(folder, 'there'), 'mine')
    symlinkSync('/dev/null', path.join(folder, 'symbolic'))
    const made = await makeLink({ with_code: true })
    const ended = await client(args(made.link))
    expect(ended).toMatchObject({ code, stdout: '' })
    expect(ended.stderr).toMatch(message)
    expect(ended.stderr.trim().split('\n')).toHaveLength(1)
    expect(ended.stderr).not.toContain(new URL(made.link).hash.slice(1))
    expect(await stateOf(made)).toBe('open')
    expect(readdirSync(folder).toSorted()).toEqual(['symbolic', 'there'])
    expect(readFileSync(path.join(folder, 'there'), 'utf8')).toBe('mine')
  })

  test('a folder that cannot be written', async () => {
    const made = await makeLink()
    const ended = await client(['claim', made.link, '--to', 'env:/proc/x'])
    expect(ended.code).toBe(1)
    expect(ended.stderr).toMatch(/nothing was spent/)
    expect(await stateOf(made)).toBe('open')
  })

  test('a link that was claimed, revoked or never was', async () => {
    const made = await makeLink()
    expect((await client(['claim', made.link, '--to', 'env:a'])).code).toBe(0)
    expect((await client(['claim', made.link, '--to', 'env:b'])).stderr).toMatch(/shown already.*That was not me/)
    const revoked = await makeLink()
    await admin(server.ready.admin_socket, 'POST', `/links/${revoked.id}/revoke`)
    expect((await client(['claim', revoked.link, '--to', 'env:b', '--json'])).stderr).toMatch(
      /^\{"error":"link.revoked"/,
    )
    const nobody = revoked.link.replace(/claim\/\w+/, `claim/${'a'.repeat(24)}`)
    expect(await client(['claim', nobody, '--to', 'env:b'])).toMatchObject({ code: 1, stdout: '' })
    expect(readdirSync(folder)).toEqual(['a'])
  })
})

/** A proxy before the server that does something with what passes; answers its own issuer. */
async function before(disturb: (url: string, done: () => void, cut: () => void) => void): Promise<string> {
  const proxy = createServer((incoming, outgoing) => {
    const { pathname, host } = new URL(incoming.url ?? '/', server.ready.issuer)
    const upstream = request(
      server.ready.issuer + pathname,
      { method: incoming.method ?? 'GET', headers: { ...incoming.headers, host } },
      (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk: Buffer) => chunks.push(chunk))
        answer.on('end', () => {
          const done = () => outgoing.writeHead(answer.statusCode ?? 500, answer.headers).end(Buffer.concat(chunks))
          disturb(pathname, done, () => incoming.socket.destroy())
        })
      },
    )
    incoming.pipe(upstream)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  open.push(proxy)
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
}

const through = (link: string, origin: string) => link.replace(server.ready.issuer, origin)

describe('when something goes wrong on the way', () => {
  test('the answer to the claim is cut off: nothing is written, and it says what to do', async () => {
    const origin = await before((url, done, cut) => (url.endsWith('/status') ? done() : cut()))
    const made = await makeLink()
    const ended = await client(['claim', through(made.link, origin), '--to', 'env:x'])
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toMatch(/was not reached, or its answer was cut off — .*15 minutes/)
    expect(readdirSync(folder)).toEqual([])
  })

  test('the acknowledgement is lost some times: it is repeated', async () => {
    let lost = 0
    const origin = await before((url, done, cut) => {
      if (url.endsWith('/acknowledge') && lost < 2) {
        lost += 1
        cut()
      } else done()
    })
    const made = await makeLink()
    const ended = await client(['claim', through(made.link, origin), '--to', 'env:x'])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(lost).toBe(2)
    expect(await stateOf(made)).toBe('delivered')
  })

  test('the acknowledgement never arrives: the credential stays, with a warning of what happens', async () => {
    const origin = await before((url, done, cut) => (url.endsWith('/acknowledge') ? cut() : done()))
    const made = await makeLink()
    const ended = await client(['claim', through(made.link, origin), '--to', 'env:x'])
    expect(ended.code).toBe(0)
    expect(ended.stderr).toMatch(/could not be told.*get a token with it before 20/)
    expect(existsSync(path.join(folder, 'x'))).toBe(true)
  }, 60_000)

  test('the file cannot be written after the claim: it is not acknowledged, and nothing of it is printed', async () => {
    let isClaimed = false
    const origin = await before((url, done) => {
      // Between the look and the write, somebody takes the place.
      if (!/\/(?:status|acknowledge)$/.test(url)) writeFileSync(path.join(folder, 'x'), 'somebody else’s')
      isClaimed = true
      done()
    })
    const made = await makeLink()
    const ended = await client(['claim', through(made.link, origin), '--to', 'env:x'])
    expect(isClaimed).toBe(true)
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toMatch(/could not be written to x, and is lost.*revokes it within 15 minutes — .*new link/)
    expect(ended.stderr).not.toContain('lk_dev_')
    expect(readdirSync(folder)).toEqual(['x'])
    expect(readFileSync(path.join(folder, 'x'), 'utf8')).toBe('somebody else’s')
    expect(await stateOf(made)).toBe('claimed')
  })

  test('an answer that is no credential, or leads elsewhere, is not written', async () => {
    const odd = createServer((incoming, outgoing) => {
      incoming.resume()
      incoming.on('end', () => {
        if (incoming.url?.includes('redirect') === true)
          outgoing.writeHead(307, { location: server.ready.issuer }).end()
        else {
          const secret = 'x\nPATH=/evil'
          outgoing.end(
            JSON.stringify({ issuer: 'https://a', client_id: 'a', client_secret: secret, receipt: 'r', confirm_by: 1 }),
          )
        }
      })
    })
    await new Promise<void>((resolve) => odd.listen(0, '127.0.0.1', resolve))
    open.push(odd)
    const origin = `http://127.0.0.1:${(odd.address() as AddressInfo).port}`
    for (const base of ['', '/redirect']) {
      const link = `${origin}${base}/claim/${'a'.repeat(24)}#${'A'.repeat(43)}`
      expect(await client(['claim', link, '--to', 'env:x'])).toMatchObject({ code: 1, stdout: '' })
    }
    expect(readdirSync(folder)).toEqual([])
  })
})

test('--help and --version', async () => {
  for (const args of [['--help'], [], ['help'], ['claim', '--help']]) {
    expect(await client(args)).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('Usage: latchkey-client') as string,
    })
  }
  expect(await client(['--version'])).toMatchObject({ code: 0, stdout: '0.1.0\n' })
  const { stdout } = await run('npx', ['latchkey-client', '--version'], { cwd: checkout })
  expect(stdout).toBe('0.1.0\n')
})
