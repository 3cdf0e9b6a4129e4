import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  admin,
  checkout,
  freePorts,
  latchkey,
  newDirectory,
  postForm,
  removeDirectory,
  startDev,
} from './latchkey-process.ts'

const run = promisify(execFile)

interface Token {
  readonly access_token: string
  readonly scope: string
}

let directory: string
let ports: number[]
beforeAll(async () => {
  directory = newDirectory()
  ports = await freePorts(3)
})
afterAll(() => {
  removeDirectory(directory)
})
const data = () => path.join(directory, 'data')

describe('npm start, as a newcomer sees it', () => {
  test('the line of JSON is what scripts rely on; token and API call work; SIGTERM ends it with 0', async () => {
    const server = await startDev(data(), ports)
    const { ready } = server
    expect(ready).toEqual({
      issuer: `http://127.0.0.1:${ports[0]}`,
      token_endpoint: `http://127.0.0.1:${ports[0]}/oauth2/token`,
      mtls_token_endpoint: expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+\/oauth2\/token$/),
      console: `http://localhost:${ports[1]}`,
      admin_socket: expect.stringMatching(/^\//),
      demo: {
        client_id: expect.stringMatching(/^[a-z0-9]{24}$/),
        client_secret: expect.stringMatching(/^lk_dev_[A-Za-z0-9]{16}_[A-Za-z0-9]{43}_[A-Za-z0-9]{6}$/),
        scope: 'configurations/configurations.read configurations/configurations.write',
        api: `http://127.0.0.1:${ports[2]}/configurations`,
      },
    })
    const token = await postForm<Token>(ready.token_endpoint, ready.demo, { grant_type: 'client_credentials' })
    expect(token.status).toBe(200)
    const withToken = await fetch(ready.demo.api, { headers: { Authorization: `Bearer ${token.body.access_token}` } })
    expect(withToken.status).toBe(200)
    expect(await withToken.json()).toMatchObject({ items: expect.any(Array) })
    expect((await fetch(ready.demo.api)).status).toBe(401)
    expect(await server.stop()).toEqual({ code: 0, signal: null })
    expect(server.stderr()).toBe('')
  })

  test('the curl lines work when they are pasted', async () => {
    const text = await welcomeText()
    const [first = '', second = '', third = ''] = text.match(/^curl [^]*?(?=\n\n)/gm) ?? []
    const token = JSON.parse((await run('bash', ['-c', first])).stdout) as Token
    expect(token).toMatchObject({ token_type: 'Bearer', expires_in: 3600 })
    const listed = JSON.parse((await run('bash', ['-c', second])).stdout) as { items: unknown[] }
    expect(listed.items.length).toBeGreaterThan(0)
    const bound = JSON.parse((await run('bash', ['-c', third])).stdout) as Token
    expect(JSON.parse(Buffer.from(bound.access_token.split('.')[1] ?? '', 'base64url').toString())).toMatchObject({
      cnf: { 'x5t#S256': expect.stringMatching(/^[A-Za-z0-9_-]{43}$/) as string },
    })

    async function welcomeText(): Promise<string> {
      const flags = [
        '--port',
        '0',
        '--admin-port',
        '0',
        '--api-port',
        '0',
        '--mtls-port',
        '0',
        '--data-dir',
        path.join(directory, 'pasted'),
      ]
      const main = path.join(checkout, 'packages/cli/src/main.ts')
      started = spawn(process.execPath, ['--conditions=latchkey-source', main, 'dev', ...flags])
      let printed = ''
      for await (const chunk of started.stdout ?? []) {
        printed += String(chunk)
        if (printed.includes('audit list')) return printed
      }
      throw new Error(printed)
    }
  })
  let started: ChildProcess | undefined
  afterAll(() => {
    started?.kill('SIGTERM')
  })

  test('a second start keeps credential, keys and tokens', async () => {
    const first = await startDev(data(), ports)
    const token = await postForm<Token>(first.ready.token_endpoint, first.ready.demo, {
      grant_type: 'client_credentials',
    })
    await first.stop()
    const second = await startDev(data(), ports)
    expect(second.ready.demo).toEqual(first.ready.demo)
    const introspection = await postForm<{ active: boolean }>(
      `${second.ready.issuer}/oauth2/introspect`,
      second.ready.demo,
      { token: token.body.access_token },
    )
    expect(introspection.body.active).toBe(true)
    const answer = await fetch(second.ready.demo.api, {
      headers: { Authorization: `Bearer ${token.body.access_token}` },
    })
    expect(answer.status).toBe(200)
    await second.stop()
  })

  test('what it keeps, only this user can read', async () => {
    const look = (): string[] => {
      const names = ['.', ...readdirSync(data(), { recursive: true, encoding: 'utf8' })]
      for (const name of names) expect([name, statSync(path.join(data(), name)).mode & 0o077]).toEqual([name, 0])
      return names
    }
    const expected = ['lock', 'latchkey.db', 'configurations.db', 'master.key', 'demo.env', 'audit']
    const server = await startDev(data(), ports)
    expect(look()).toEqual(expect.arrayContaining([...expected, 'admin.json', 'configurations.db-wal']))
    await server.stop()
    expect(look()).toEqual(expect.arrayContaining(expected))
    expect(readFileSync(path.join(data(), 'demo.env'), 'utf8')).toMatch(
      /^LATCHKEY_ISSUER=http:\/\/127.0.0.1:\d+\nLATCHKEY_CLIENT_ID=\S+\nLATCHKEY_CLIENT_SECRET=lk_dev_\S+\n$/,
    )
  })

  test('a challenge of the example API leads to its metadata, on any port', async () => {
    const server = await startDev(path.join(directory, 'metadata'))
    const challenge = (await fetch(server.ready.demo.api)).headers.get('www-authenticate') ?? ''
    const url = /resource_metadata="([^"]+)"/.exec(challenge)?.[1] ?? ''
    expect(new URL(url).origin).toBe(new URL(server.ready.demo.api).origin)
    const metadata = await fetch(url)
    expect(metadata.status).toBe(200)
    expect(await metadata.json()).toMatchObject({ authorization_servers: [server.ready.issuer] })
    await server.stop()
  })

  test.each<[string, (socket: string, id: string) => Promise<unknown>]>([
    ['its client is disabled', (socket, id) => admin(socket, 'POST', `/clients/${id}/disable`)],
    ['its client is deleted', (socket, id) => admin(socket, 'DELETE', `/clients/${id}`)],
    [
      'a scope is taken from it',
      (socket, id) =>
        admin(socket, 'PATCH', `/clients/${id}`, { remove_scopes: ['configurations/configurations.write'] }),
    ],
    [
      'its secret is revoked',
      async (socket, id) => {
        const { body } = await admin<{ items: { id: string }[] }>(socket, 'GET', `/clients/${id}/secrets`)
        for (const secret of body.items) await admin(socket, 'POST', `/secrets/${secret.id}/revoke`, {})
      },
    ],
  ])('the next start makes another demo client when %s', async (title, end) => {
    const target = path.join(directory, title.replaceAll(' ', '-'))
    const first = await startDev(target)
    await end(first.ready.admin_socket, first.ready.demo.client_id)
    await first.stop()
    const second = await startDev(target)
    expect(second.ready.demo.client_id).not.toBe(first.ready.demo.client_id)
    const form = { grant_type: 'client_credentials', scope: second.ready.demo.scope }
    expect((await postForm(second.ready.token_endpoint, second.ready.demo, form)).status).toBe(200)
    expect(readFileSync(path.join(target, 'demo.env'), 'utf8')).toContain(second.ready.demo.client_id)
    await second.stop()
    const third = await startDev(target)
    expect(third.ready.demo).toMatchObject({ client_id: second.ready.demo.client_id })
    await third.stop()
  })

  test('SIGTERM waits for stalled requests at the server and at the API together, ten seconds at most', async () => {
    const server = await startDev(path.join(directory, 'stalled'))
    const stalled = [server.ready.token_endpoint, server.ready.demo.api].map((address) => {
      const { port, pathname } = new URL(address)
      const socket = connect(Number(port), '127.0.0.1')
      socket.on('error', () => undefined)
      socket.write(
        `POST ${pathname} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\na`,
      )
      return socket
    })
    await new Promise((resolve) => setTimeout(resolve, 300))
    const began = performance.now()
    expect(await server.stop()).toEqual({ code: 0, signal: null })
    expect(performance.now() - began).toBeLessThan(10_000)
    for (const socket of stalled) socket.destroy()
  })

  test('--reset begins anew', async () => {
    const target = path.join(directory, 'reset')
    const first = await startDev(target)
    await first.stop()
    const second = await startDev(target, [0, 0, 0], ['--reset'])
    expect(second.ready.demo.client_id).not.toBe(first.ready.demo.client_id)
    await second.stop()
  })
})

describe('what is not as it must be: one line with the remedy, exit 2, nothing damaged', () => {
  const dev = (args: readonly string[], environment?: Record<string, string>) => {
    const unused = ['--port', '0', '--admin-port', '0', '--api-port', '0', '--mtls-port', '0']
    return latchkey(['dev', ...unused, '--data-dir', path.join(directory, 'never-made'), ...args], environment)
  }
  /** Data directory of a server that ran once. */
  async function used(name: string): Promise<string> {
    const target = path.join(directory, name)
    await (await startDev(target)).stop()
    return target
  }

  test.each(['--port', '--admin-port', '--api-port', '--mtls-port'])('a %s in use', async (flag) => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as { port: number }
    const ended = await dev([flag, String(port), '--data-dir', path.join(directory, 'port-in-use')])
    expect(ended.code).toBe(2)
    expect(ended.stderr).toMatch(
      new RegExp(`^latchkey: port ${port} on 127.0.0.1 is in use .* ${flag} or LATCHKEY_\\w*PORT\n$`),
    )
    other.close()
  })

  test('a data directory in use', async () => {
    const target = path.join(directory, 'busy')
    const running = await startDev(target)
    const ended = await dev(['--data-dir', target])
    expect(ended.code).toBe(2)
    expect(ended.stderr).toMatch(/^latchkey: another Latchkey is running on .*busy — .*--data-dir\n$/)
    const answer = await postForm(running.ready.token_endpoint, running.ready.demo, {
      grant_type: 'client_credentials',
    })
    expect(answer.status).toBe(200)
    await running.stop()
  })

  test('a data directory that cannot be made', async () => {
    const file = path.join(directory, 'a-file')
    writeFileSync(file, 'precious')
    const ended = await dev(['--data-dir', path.join(file, 'data')])
    expect(ended.code).toBe(2)
    expect(ended.stderr).toMatch(/^latchkey: cannot use the data directory .* — make it writable .*\n$/)
    expect(readFileSync(file, 'utf8')).toBe('precious')
  })

  test.each<[string, string[], Record<string, string>, RegExp]>([
    ['a port that is none', ['--port', 'eighty'], {}, /--port "eighty" is not a .*port/],
    ['an issuer with a query', ['--issuer', 'https://a.example.com/?x'], {}, /--issuer .* is not an http\(s\) URL/],
    ['an issuer that is none', [], { LATCHKEY_ISSUER: 'login' }, /LATCHKEY_ISSUER "login" is not an http/],
    ['an address that is not loopback', ['--host', '0.0.0.0'], {}, /not a loopback address/],
    ['an unknown sync', ['--audit-sync', 'never'], {}, /--audit-sync "never"/],
    ['another database', ['--database-url', 'mysql://x/y'], {}, /sqlite:<path>/],
    ['a broken proxy list', ['--trusted-proxies', '10.0.0.0/33'], {}, /10\.0\.0\.0\/33/],
    ['a missing configuration file', ['--config', '/nonexistent.yaml'], {}, /cannot read the configuration file/],
    ['an unknown option', ['--prot', '1'], {}, /--prot/],
  ])('%s', async (_, args, environment, message) => {
    const ended = await dev(args, environment)
    expect(ended.code).toBe(2)
    expect(ended.stderr).toMatch(message)
    expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(ended.stdout).toBe('')
    expect(existsSync(path.join(directory, 'never-made'))).toBe(false)
  })

  test.each([
    ['too high', '70000', /LATCHKEY_PORT "70000" is not a port from 0 to 65535/],
    ['that Kubernetes set', 'tcp://10.0.0.1:8400', /LATCHKEY_PORT .*Kubernetes.*enableServiceLinks/],
  ])('a port in the environment %s', async (_, value, message) => {
    const ended = await latchkey(['dev', '--data-dir', path.join(directory, 'never-made')], { LATCHKEY_PORT: value })
    expect([ended.code, ended.stderr.trimEnd().split('\n').length]).toEqual([2, 1])
    expect(ended.stderr).toMatch(message)
  })

  test.each([
    ['an unknown key', 'port: 0\nprot: 1\n', /unknown key "prot"/],
    ['not YAML', 'port: [', /is not YAML/],
    ['a key twice', 'port: 0\nport: 1\n', /is not YAML/],
    ['a list', '- port\n', /key: value/],
    ['a wrong value', 'log_level: loud\n', /log_level in .*loud/],
  ])('a configuration file with %s', async (_, content, message) => {
    const file = path.join(directory, 'latchkey.config.yaml')
    writeFileSync(file, content)
    const ended = await dev(['--config', file])
    expect([ended.code, ended.stderr.trimEnd().split('\n').length]).toEqual([2, 1])
    expect(ended.stderr).toMatch(message)
  })

  test('the master key is gone, or another: it is not made anew', async () => {
    const target = await used('master')
    const file = path.join(target, 'master.key')
    const saved = path.join(directory, 'saved.key')
    copyFileSync(file, saved)
    removeDirectory(file)
    const gone = await dev(['--data-dir', target])
    expect([gone.code, gone.stderr]).toEqual([
      2,
      expect.stringMatching(/^latchkey: cannot read the master key file .*\n$/),
    ])
    expect(existsSync(file)).toBe(false)

    writeFileSync(file, 'A'.repeat(43), { mode: 0o600 })
    const wrong = await dev(['--data-dir', target])
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      expect.stringMatching(/^latchkey: the master key does not open data key .*\n$/),
    ])

    const short = await dev(['--data-dir', target], { LATCHKEY_MASTER_KEY: 'c2hvcnQ' })
    expect(short.code).toBe(2)
    expect(short.stderr).not.toContain('c2hvcnQ')

    copyFileSync(saved, file)
    chmodSync(file, 0o644)
    expect((await dev(['--data-dir', target])).stderr).toMatch(/others may read the master key file .* — chmod 600/)
    chmodSync(file, 0o600)
    expect(await (await startDev(target)).stop()).toMatchObject({ code: 0 })
  })

  test('the audience of the example API is taken: --reset is offered, and helps', async () => {
    const target = path.join(directory, 'taken')
    const server = await startDev(target)
    const { admin_socket: socket, demo } = server.ready
    await admin(socket, 'DELETE', `/clients/${demo.client_id}`)
    await admin(socket, 'DELETE', '/resource-servers/configurations?force=true')
    const other = {
      name: 'other',
      audience: 'https://api.example.com/configurations',
      scopes: [{ name: 'a', description: '' }],
    }
    expect(await admin(socket, 'POST', '/resource-servers', other)).toMatchObject({ status: 201 })
    await server.stop()
    const ended = await dev(['--data-dir', target])
    expect([ended.code, ended.stderr.trimEnd().split('\n').length]).toEqual([2, 1])
    expect(ended.stderr).toMatch(/^latchkey: the example API cannot be registered: .* — .*--reset/)
    await (await startDev(target, [0, 0, 0], ['--reset'])).stop()
  })

  test('--reset with a database elsewhere, or with something of others in the directory, removes nothing', async () => {
    const target = await used('kept')
    const before = readdirSync(target)
    const elsewhere = path.join(directory, 'elsewhere.db')
    const ended = await dev(['--data-dir', target, '--database-url', `sqlite:${elsewhere}`, '--reset'])
    expect([ended.code, ended.stderr]).toEqual([
      2,
      expect.stringMatching(/^latchkey: --reset .* — remove \S*elsewhere\.db/),
    ])
    expect(readdirSync(target)).toEqual(before)

    writeFileSync(path.join(target, 'thesis.txt'), 'precious')
    const foreign = await dev(['--data-dir', target, '--reset'])
    expect([foreign.code, foreign.stderr]).toEqual([2, expect.stringMatching(/^latchkey: .*"thesis\.txt".* — .*\n$/)])
    expect(readdirSync(target).toSorted()).toEqual([...before, 'thesis.txt'].toSorted())
  })

  test('the database is none', async () => {
    const target = await used('broken')
    const file = path.join(target, 'latchkey.db')
    writeFileSync(file, 'this was never a database, and is long enough to be read as one '.repeat(100))
    const ended = await dev(['--data-dir', target])
    expect([ended.code, ended.stderr.trimEnd().split('\n').length]).toEqual([2, 1])
    expect(readFileSync(file, 'utf8')).toMatch(/^this was never/)
  })
})

test('an unknown LATCHKEY_ variable warns, an empty one means unset', async () => {
  const server = await startDev(path.join(directory, 'warned'), [0, 0, 0], [], {
    LATCHKEY_PROT: '1',
    LATCHKEY_ISSUER: '',
  })
  expect(server.ready.issuer).toMatch(/^http:\/\/127\.0\.0\.1:/)
  await server.stop()
  const lines = server.stderr().trimEnd().split('\n')
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'warn', msg: expect.stringContaining('LATCHKEY_PROT') })
})
