import { execFile } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  checkout,
  latchkey,
  newDirectory,
  postForm,
  removeDirectory,
  startDev,
  type Ended,
} from './latchkey-process.ts'
import { startServe } from './serve-process.ts'

const run = promisify(execFile)
const issuer = 'https://login.example.com'

let home: string
beforeAll(() => {
  home = newDirectory()
})
afterAll(() => {
  removeDirectory(home)
})

/** What `init` made, by the name of its directory. */
async function init(
  name: string,
  ...flags: string[]
): Promise<{ config: string; data: string; key: string; place: string }> {
  const place = path.join(home, name)
  const config = path.join(place, 'latchkey.config.yaml')
  const made = await latchkey([
    'init',
    '--config',
    config,
    '--issuer',
    issuer,
    '--drain-delay',
    '0',
    '--json',
    ...flags,
  ])
  expect(made).toMatchObject({ code: 0, stderr: '' })
  const answer = JSON.parse(made.stdout) as { config: string; data_dir: string; master_key_file: string }
  return { place, config: answer.config, data: answer.data_dir, key: answer.master_key_file }
}

/** A start that has to be refused: one line on standard error, nothing on standard output. */
async function refused(args: readonly string[], environment?: Record<string, string>): Promise<Ended> {
  const ended = await latchkey(['serve', '--port', '0', '--admin-port', '0', ...args], environment)
  expect(ended).toMatchObject({ code: 2, stdout: '' })
  // Warnings are log lines; the refusal is the line that is none.
  const lines = ended.stderr
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('{'))
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(/^latchkey: .+ — .+/)
  return { ...ended, stderr: lines[0] ?? '' }
}

describe('from nothing to a token', () => {
  test('init, serve, resource-server create, client create, token; SIGTERM ends with 0', async () => {
    const { config, data, key } = await init('first')
    const server = await startServe(['--config', config])
    expect(server.serving).toEqual({
      issuer,
      token_endpoint: `${issuer}/oauth2/token`,
      public: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) as string,
      admin: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) as string,
      console: expect.stringMatching(/^http:\/\/localhost:\d+$/) as string,
      admin_socket: expect.stringMatching(/^\//) as string,
      workers: 1,
      version: expect.stringMatching(/^\d/) as string,
    })
    const cli = async (...args: string[]) => {
      const ended = await latchkey([...args, '--data-dir', data, '--json'])
      expect(ended).toMatchObject({ code: 0 })
      return JSON.parse(ended.stdout) as Record<string, string>
    }
    await cli(
      'resource-server',
      'create',
      'billing',
      '--audience',
      'https://billing.example.com',
      '--scope',
      'invoices.read',
    )
    const client = await cli('client', 'create', 'importer', '--scope', 'billing/invoices.read', '--show-secret')
    const by = { client_id: client['client_id'] ?? '', client_secret: client['client_secret'] ?? '' }
    expect(by.client_secret).toMatch(/^lk_prod_/)
    const granted = await postForm<{ access_token: string }>(`${server.serving.public}/oauth2/token`, by, {
      grant_type: 'client_credentials',
    })
    expect(granted.status).toBe(200)
    const payload = Buffer.from(granted.body.access_token.split('.')[1] ?? '', 'base64url').toString()
    expect(JSON.parse(payload)).toMatchObject({ iss: issuer, aud: 'https://billing.example.com' })
    // No demo client: the one that was registered is the only one.
    const listed = await latchkey(['client', 'list', '--data-dir', data, '--json'])
    expect((JSON.parse(listed.stdout) as { items: { name: string }[] }).items.map(({ name }) => name)).toEqual([
      'importer',
    ])
    expect(existsSync(path.join(data, 'demo.env'))).toBe(false)

    expect(await server.stop()).toEqual({ code: 0, signal: null })
    expect(server.log().map(({ msg }) => msg)).toEqual(expect.arrayContaining(['serving', 'stopped']))
    const secrets = [readFileSync(key, 'utf8').trim(), by.client_secret, granted.body.access_token]
    for (const secret of secrets) expect(JSON.stringify(server.log()) + server.stdout()).not.toContain(secret)

    const again = await startServe(['--config', config])
    const second = await postForm(`${again.serving.public}/oauth2/token`, by, { grant_type: 'client_credentials' })
    expect(second.status).toBe(200)
    await again.stop()
  })

  test('everything can come from the environment, into an empty directory', async () => {
    const { key } = await init('environment')
    const data = path.join(home, 'environment', 'volume')
    mkdirSync(data)
    const environment = {
      LATCHKEY_ISSUER: issuer,
      LATCHKEY_DATA_DIR: data,
      LATCHKEY_MASTER_KEY: readFileSync(key, 'utf8').trim(),
      LATCHKEY_DRAIN_DELAY: '0',
    }
    const server = await startServe([], environment)
    expect(server.serving.issuer).toBe(issuer)
    expect(await server.stop('SIGINT')).toEqual({ code: 0, signal: null })
    expect(readdirSync(data)).toEqual(expect.arrayContaining(['PRODUCTION', 'latchkey.db', 'audit']))
    for (const name of ['.', ...readdirSync(data, { recursive: true, encoding: 'utf8' })]) {
      expect([name, statSync(path.join(data, name)).mode & 0o077]).toEqual([name, 0])
    }
  })

  test('a second signal while it drains is ignored, and SIGHUP ends nothing', async () => {
    const { config } = await init('signals')
    const server = await startServe(['--config', config, '--drain-delay', '1'])
    server.child.kill('SIGHUP')
    await new Promise((wait) => setTimeout(wait, 200))
    const ended = server.stop('SIGTERM')
    await new Promise((wait) => setTimeout(wait, 200))
    server.child.kill('SIGTERM')
    server.child.kill('SIGINT')
    expect(await ended).toEqual({ code: 0, signal: null })
  })

  test('while it drains it says that it is not ready, serves all the same, and asks to close connections', async () => {
    const { config } = await init('drain')
    const server = await startServe(['--config', config, '--drain-delay', '2'])
    expect((await fetch(`${server.serving.admin}/readyz`)).status).toBe(200)
    const ended = server.stop()
    await new Promise((wait) => setTimeout(wait, 300))
    const ready = await fetch(`${server.serving.admin}/readyz`)
    expect([ready.status, await ready.json()]).toMatchObject([503, { checks: { server: 'stopping' } }])
    const { stdout } = await run('curl', ['--silent', '--include', `${server.serving.public}/oauth2/jwks`])
    expect(stdout).toMatch(/^HTTP\/1\.1 200/)
    expect(stdout).toMatch(/^Connection: close\r$/im)
    expect(await ended).toMatchObject({ code: 0 })
  })
})

describe('init', () => {
  test('makes what it says, for this user alone, and shows no key', async () => {
    const place = path.join(home, 'made')
    const config = path.join(place, 'latchkey.config.yaml')
    const made = await latchkey(['init', '--config', config, '--issuer', issuer])
    expect(made).toMatchObject({ code: 0, stderr: '' })
    const key = path.join(place, 'latchkey.master.key')
    expect(readdirSync(place).toSorted()).toEqual(['latchkey-data', 'latchkey.config.yaml', 'latchkey.master.key'])
    for (const name of readdirSync(place)) expect(statSync(path.join(place, name)).mode & 0o077).toBe(0)
    expect(readFileSync(key, 'utf8')).toMatch(/^[\w-]{43}\n$/)
    expect(made.stdout).not.toContain(readFileSync(key, 'utf8').trim())
    expect(readFileSync(config, 'utf8')).not.toContain(readFileSync(key, 'utf8').trim())
    for (const file of [config, key]) expect(made.stdout).toContain(file)
    expect(made.stdout).toMatch(/apart from the backups/)
  })

  test('the commands that it prints work when they are pasted', async () => {
    const place = path.join(home, "it's pasted")
    const config = path.join(place, 'latchkey.config.yaml')
    const ports = ['--port', '0', '--admin-port', '0', '--drain-delay', '0']
    const made = await latchkey(['init', '--config', config, '--issuer', issuer, ...ports])
    const lines = made.stdout.split('\n').filter((line) => line.startsWith('latchkey '))
    expect(lines.map((line) => line.split(' ').slice(1, 3).join(' '))).toEqual([
      expect.stringMatching(/^serve/),
      'resource-server create',
      'client create',
      'client create',
      expect.stringMatching(/^doctor/),
    ])
    const server = await startServe(['--config', config])
    // The shell's own `latchkey`, so that quoting is put to the test too.
    const main = path.join(checkout, 'packages/cli/src/main.ts')
    const shell = `latchkey() { '${process.execPath}' --conditions=latchkey-source '${main}' "$@"; }; set -e\n`
    const pasted = await run('bash', ['-c', shell + lines.slice(1).join('\n')])
    expect(pasted.stdout).toMatch(/lk_prod_\w+/)
    await server.stop()
  })

  test('overwrites nothing, and makes nothing when one of its files is there', async () => {
    const { config, key, place } = await init('twice')
    const before = [readFileSync(config, 'utf8'), readFileSync(key, 'utf8')]
    const again = await latchkey(['init', '--config', config, '--issuer', issuer])
    expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/config\.yaml is there already/)])
    const other = path.join(place, 'other.yaml')
    const keyThere = await latchkey(['init', '--config', other, '--issuer', issuer, '--json'])
    expect([keyThere.code, JSON.parse(keyThere.stderr)]).toEqual([
      1,
      {
        error: 'init.exists',
        message: expect.stringContaining('master.key'),
        hint: expect.stringContaining('--master-key-file'),
      },
    ])
    expect(existsSync(other)).toBe(false)
    expect([readFileSync(config, 'utf8'), readFileSync(key, 'utf8')]).toEqual(before)
  })

  test('a second server of the same database takes the key that is there', async () => {
    const { key } = await init('one')
    const before = readFileSync(key, 'utf8')
    const other = await init('two', '--master-key-file', key)
    expect(other.key).toBe(key)
    expect(readFileSync(key, 'utf8')).toBe(before)
    expect(readdirSync(other.place)).not.toContain('latchkey.master.key')
    chmodSync(key, 0o644)
    const open = await latchkey(['init', '--config', path.join(home, 'three.yaml'), '--master-key-file', key])
    expect([open.code, open.stderr]).toEqual([2, expect.stringMatching(/others may read .* chmod 600/)])
  })

  test('without an issuer it says that one is missing', async () => {
    const config = path.join(home, 'no-issuer', 'latchkey.config.yaml')
    const made = await latchkey(['init', '--config', config])
    expect(made).toMatchObject({ code: 0 })
    expect(made.stdout).toMatch(/1\. Set `issuer`/)
    expect((await refused(['--config', config])).stderr).toMatch(/no issuer is set/)
  })

  test.each<[string, string[], RegExp]>([
    ['an http issuer', ['--issuer', 'http://login.example.com'], /is not https/],
    ['plain HTTP to the network', ['--issuer', issuer, '--host', '0.0.0.0'], /plain HTTP/],
    ['a wrong port', ['--issuer', issuer, '--port', 'eighty'], /--port "eighty"/],
    ['an unknown option', ['--isuer', issuer], /unknown option/],
  ])('%s is refused before anything is made', async (name, flags, message) => {
    const place = path.join(home, name.replaceAll(' ', '-'))
    const ended = await latchkey(['init', '--config', path.join(place, 'c.yaml'), ...flags])
    expect([ended.code, ended.stderr]).toEqual([2, expect.stringMatching(message)])
    expect(existsSync(place)).toBe(false)
  })

  test('the key may not lie in the data directory', async () => {
    const data = path.join(home, 'inside')
    const flags = ['--data-dir', data, '--master-key-file', path.join(data, 'master.key')]
    const ended = await latchkey(['init', '--config', path.join(home, 'inside.yaml'), ...flags])
    expect([ended.code, ended.stderr]).toEqual([2, expect.stringMatching(/must not lie in the data directory/)])
    expect(existsSync(data)).toBe(false)
  })
})

describe('what serve refuses', () => {
  /** Never started: whatever is refused leaves it as `init` made it. */
  let unused: Awaited<ReturnType<typeof init>>
  beforeAll(async () => {
    unused = await init('unused')
  })

  test('a data directory, a master key and a database that dev made', async () => {
    const dev = path.join(home, 'dev')
    await (await startDev(dev)).stop()
    const { config } = await init('beside-dev')
    expect((await refused(['--config', config, '--data-dir', dev])).stderr).toMatch(/was made by `latchkey dev`/)
    const withKey = ['--config', config, '--master-key-file', path.join(dev, 'master.key')]
    expect((await refused(withKey)).stderr).toMatch(/master key .* was made by `latchkey dev`/)
    const withDatabase = ['--config', config, '--database-url', `sqlite:${path.join(dev, 'latchkey.db')}`]
    expect((await refused(withDatabase)).stderr).toMatch(/database .* was made by `latchkey dev`/)
    expect(readdirSync(dev)).not.toContain('PRODUCTION')
  })

  test('dev in its turn refuses the directory of serve', async () => {
    const { config, data } = await init('not-for-dev')
    await (await startServe(['--config', config])).stop()
    const ended = await latchkey([
      'dev',
      '--port',
      '0',
      '--admin-port',
      '0',
      '--api-port',
      '0',
      '--mtls-port',
      '0',
      '--data-dir',
      data,
    ])
    expect([ended.code, ended.stderr]).toEqual([2, expect.stringMatching(/was not made by `latchkey dev`/)])
  })

  test('a master key that is missing, another, broken, or open to others; it never makes one', async () => {
    const { config, key, data } = await init('keys')
    await (await startServe(['--config', config])).stop()
    const right = readFileSync(key, 'utf8')
    removeDirectory(key)
    expect((await refused(['--config', config])).stderr).toMatch(/cannot read the master key file/)
    expect(existsSync(key)).toBe(false)
    writeFileSync(key, 'A'.repeat(43), { mode: 0o600 })
    expect((await refused(['--config', config])).stderr).toMatch(/master key does not open/)
    writeFileSync(key, 'short')
    const short = await refused(['--config', config])
    expect(short.stderr).toMatch(/not 32 bytes of base64url/)
    expect(short.stderr).not.toContain('short')
    writeFileSync(key, right)
    chmodSync(key, 0o604)
    expect((await refused(['--config', config])).stderr).toMatch(/others may read .* — chmod 600/)
    chmodSync(key, 0o600)
    const none = ['--issuer', issuer, '--data-dir', data]
    expect((await refused(none)).stderr).toMatch(/no master key is set/)
    expect(await (await startServe(['--config', config])).stop()).toMatchObject({ code: 0 })
  })

  test.runIf(process.geteuid?.() === 0)('a data directory of another user', async () => {
    const { config, data } = await init('foreign')
    chownSync(data, 65534, 65534)
    expect((await refused(['--config', config])).stderr).toMatch(/belongs to user 65534, and this is user 0/)
  })

  test('a directory with anything else in it, and one in use', async () => {
    const { config, data } = await init('busy')
    const thesis = path.join(home, 'thesis')
    mkdirSync(thesis)
    writeFileSync(path.join(thesis, 'thesis.txt'), 'precious')
    expect((await refused(['--config', config, '--data-dir', thesis])).stderr).toMatch(/is not empty/)
    expect(readdirSync(thesis)).toEqual(['thesis.txt'])
    const running = await startServe(['--config', config])
    expect((await refused(['--config', config])).stderr).toMatch(/another Latchkey is running on .*latchkey-data/)
    expect((await latchkey(['migrate', '--data-dir', data])).stderr).toMatch(/another Latchkey is running/)
    await running.stop()
  })

  test('an empty database beside the audit logs of another: nothing is made anew', async () => {
    const { config, data } = await init('lost')
    await (await startServe(['--config', config])).stop()
    for (const suffix of ['', '-wal', '-shm']) removeDirectory(path.join(data, `latchkey.db${suffix}`))
    expect((await refused(['--config', config])).stderr).toMatch(/the database is empty, and .* restore a backup/)
  })

  test('a port in use', async () => {
    const { config } = await init('port')
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    expect((await refused(['--config', config, '--port', String(port)])).stderr).toMatch(
      /is in use \(public listener\)/,
    )
    expect((await refused(['--config', config, '--admin-port', String(port)])).stderr).toMatch(/\(admin listener\)/)
    other.close()
  })

  test.each<[string, string[], Record<string, string>, RegExp]>([
    ['an http issuer', ['--issuer', 'http://login.example.com'], {}, /is not https/],
    ['an issuer with a trailing slash', ['--issuer', `${issuer}/`], {}, /trailing slash/],
    ['plain HTTP to the network', ['--host', '0.0.0.0'], {}, /public listener on 0\.0\.0\.0 would speak plain HTTP/],
    ['plain administration', ['--admin-host', '0.0.0.0'], {}, /admin listener on 0\.0\.0\.0 would speak plain HTTP/],
    ['workers on SQLite', ['--workers', '2'], {}, /cannot share an embedded database/],
    ['a certificate without key', [], { LATCHKEY_TLS_CERT: '/c.pem' }, /tls_cert is set without tls_key/],
    [
      'a certificate that is not there',
      ['--tls-cert', '/nonexistent', '--tls-key', '/nonexistent'],
      {},
      /cannot read the certificate/,
    ],
    [
      'a database that does not answer',
      [],
      { LATCHKEY_DATABASE_URL: 'postgres://u:SEKRET@127.0.0.1:1/d' },
      /127\.0\.0\.1:1|refused/,
    ],
    ['a database URL that is none', [], { LATCHKEY_DATABASE_URL: 'mysql://u:SEKRET@h/d' }, /neither sqlite/],
  ])('%s', async (_, flags, environment, message) => {
    const { config, data } = unused
    const ended = await refused(['--config', config, ...flags], environment)
    expect(ended.stderr).toMatch(message)
    expect(ended.stderr).not.toContain('SEKRET')
    expect(existsSync(path.join(data, 'latchkey.db'))).toBe(false)
  })

  test('an option of dev', async () => {
    for (const option of ['--reset', '--api-port']) {
      const ended = await latchkey(['serve', option, '1'])
      expect([ended.code, ended.stderr]).toEqual([2, expect.stringMatching(/unknown option/)])
    }
  })
})

describe('what it warns of', () => {
  test('an environment called dev, and settings of dev', async () => {
    const { config } = await init('warned')
    const server = await startServe(['--config', config, '--environment', 'dev'], { LATCHKEY_API_PORT: '1' })
    await server.stop()
    const warnings = server
      .log()
      .filter(({ level }) => level === 'warn')
      .map(({ msg }) => msg)
    expect(warnings).toEqual([
      expect.stringMatching(/LATCHKEY_API_PORT means nothing to `latchkey serve`/),
      expect.stringMatching(/environment is called dev/),
      expect.stringMatching(/no trusted_proxies/),
    ])
  })
})

describe('migrate', () => {
  test('tells what is to be done, does it once, and a server that may not migrate waits for that', async () => {
    const { config, data } = await init('migrate')
    const migrate = (...flags: string[]) => latchkey(['migrate', '--config', config, '--json', ...flags])
    const toDo = await migrate('--check')
    const { pending } = JSON.parse(toDo.stdout) as { pending: string[] }
    expect([toDo.code, pending[0]]).toEqual([1, '0001-registry'])
    expect(existsSync(path.join(data, 'latchkey.db'))).toBe(false)
    expect((await refused(['--config', config, '--no-migrate'])).stderr).toMatch(
      /no tables of Latchkey.*latchkey migrate/,
    )
    expect(JSON.parse((await migrate()).stdout)).toEqual({ migrated: pending })
    expect(await migrate('--check')).toMatchObject({ code: 0, stdout: '{"pending":[]}\n' })
    expect(JSON.parse((await migrate()).stdout)).toEqual({ migrated: [] })
    const server = await startServe(['--config', config, '--no-migrate'])
    expect(await server.stop()).toMatchObject({ code: 0 })
  })

  test('needs to know where', async () => {
    const ended = await latchkey(['migrate'])
    expect([ended.code, ended.stderr]).toEqual([2, expect.stringMatching(/no data directory is set/)])
  })
})
