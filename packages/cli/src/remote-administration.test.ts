import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
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

/*
 * `--server`: the same verbs over the network, with a token that the command gets for itself; and above all what it does not do with the secret.
 * The impostors are servers of this test: what is shown is what reaches them.
 */

let home: string
let server: RunningServer
let admin: { client_id: string; client_secret: string }
let environment: Record<string, string>

beforeAll(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'lk-remote-'))
  const config = developmentConfig({ data_dir: path.join(home, '.latchkey'), environment: 'test' })
  server = await startServer(
    { ...config, port: 0, adminPort: 0, apiPort: 0, mtls: undefined },
    { clock: systemClock, random: systemRandom(), logger: createLogger('silent'), version: '0.0.0-test' },
  )
  const scopes = [
    'clients.read',
    'clients.write',
    'secrets.write',
    'resource-servers.write',
    'server.read',
    'backup.read',
  ]
  const made = await runCliJson(
    ['client', 'create', 'admin', '--show-secret', ...scopes.flatMap((name) => ['--scope', `latchkey/${name}`])],
    { cwd: home },
  )
  admin = made as typeof admin
  environment = { LATCHKEY_CLIENT_ID: admin.client_id, LATCHKEY_CLIENT_SECRET: admin.client_secret }
})

afterAll(async () => {
  await server.stop()
  await rm(home, { recursive: true })
})

/** From a directory where no server is near. */
function remote(args: readonly string[], url = server.adminUrl, variables = environment): Promise<CliResult> {
  return runCli([...args, '--server', url, '--json'], { environment: variables })
}

describe('--server', () => {
  it('does what the local command does, as the client that it names', async () => {
    const made = await remote(['api', 'create', 'far', '--audience', 'urn:far', '--scope', 'read'])
    expect(made).toMatchObject({ code: 0, stderr: '' })
    const client = await remote(['client', 'create', 'far away', '--scope', 'far/read', '--show-secret'])
    expect(JSON.parse(client.stdout)).toMatchObject({
      scopes: ['far/read'],
      client_secret: expect.any(String) as string,
    })
    const { items } = (await runCliJson(['audit', 'list', '--event', 'client.created', '--limit', '1'], {
      cwd: home,
    })) as {
      items: object[]
    }
    expect(items).toMatchObject([{ actor: admin.client_id }])
  })

  it('takes the secret from a file', async () => {
    const file = path.join(home, 'secret')
    await writeFile(file, `${admin.client_secret}\n`, { mode: 0o600 })
    const variables = { LATCHKEY_CLIENT_ID: admin.client_id, LATCHKEY_CLIENT_SECRET_FILE: file }
    expect(await remote(['client', 'list'], server.adminUrl, variables)).toMatchObject({ code: 0, stderr: '' })
  })

  it('takes the issuer that LATCHKEY_ISSUER names, when the server takes its tokens', async () => {
    const list = (issuer: string) =>
      remote(['client', 'list'], server.adminUrl, { ...environment, LATCHKEY_ISSUER: issuer })
    expect(await list(server.issuer)).toMatchObject({ code: 0 })
    expectFailure(await list('https://other.example.com'), 2, 'issuer.not_trusted')
  })

  it('asks the doctor there, not here', async () => {
    const { code, stdout } = await remote(['doctor'])
    const { findings } = JSON.parse(stdout) as { findings: { check: string }[] }
    expect(code).toBe(0)
    expect(findings.map(({ check }) => check)).not.toContain('node')
    expect(findings.map(({ check }) => check)).toContain('server')
  })

  it('takes a backup through it', async () => {
    const file = path.join(home, 'far.backup')
    expect(await remote(['backup', file])).toMatchObject({ code: 0, stderr: '' })
  })

  it('a scope that the client does not hold → 1, naming it and how it is granted', async () => {
    const refused = await remote(['key', 'list'])
    expectFailure(refused, 1, 'invalid_scope')
    expect(refused.stderr).toContain(`latchkey client update ${admin.client_id} --add-scope latchkey/keys.read`)
  })

  it('more than its own → 1, as the server refuses it', async () => {
    expect.hasAssertions()
    expectFailure(
      await remote(['client', 'create', 'x', '--scope', 'latchkey/keys.write', '--show-secret']),
      1,
      'access.beyond_own',
    )
  })

  it('a wrong secret → 1 invalid_client, and the secret is not repeated', async () => {
    const secret = `${admin.client_secret.slice(0, -8)}xxxxxxxx`
    const refused = await remote(['client', 'list'], server.adminUrl, {
      ...environment,
      LATCHKEY_CLIENT_SECRET: secret,
    })
    expectFailure(refused, 1, 'invalid_client')
    expect(refused.stderr).not.toContain(secret)
  })
})

describe('misuse of --server ends with 2', () => {
  const url = () => server.adminUrl
  const cases: [string, () => string[], () => Record<string, string>, RegExp][] = [
    [
      'no client_id',
      () => ['--server', url()],
      () => ({ LATCHKEY_CLIENT_SECRET: 'x' }),
      /LATCHKEY_CLIENT_ID is not set/,
    ],
    [
      'no secret',
      () => ['--server', url()],
      () => ({ LATCHKEY_CLIENT_ID: 'x' }),
      /LATCHKEY_CLIENT_SECRET or LATCHKEY_CLIENT_SECRET_FILE is not set/,
    ],
    [
      'an empty secret',
      () => ['--server', url()],
      () => ({ LATCHKEY_CLIENT_ID: 'x', LATCHKEY_CLIENT_SECRET: '' }),
      /is not set/,
    ],
    [
      'two secrets',
      () => ['--server', url()],
      () => ({ ...environment, LATCHKEY_CLIENT_SECRET_FILE: '/x' }),
      /both set/,
    ],
    [
      'a file that is not there',
      () => ['--server', url()],
      () => ({ LATCHKEY_CLIENT_ID: 'x', LATCHKEY_CLIENT_SECRET_FILE: '/nowhere' }),
      /cannot read \/nowhere/,
    ],
    ['plain http elsewhere', () => ['--server', 'http://admin.example.com'], () => environment, /must be https/],
    [
      'a secret in the URL',
      () => ['--server', 'https://me:hidden@admin.example.com'],
      () => environment,
      /must be https/,
    ],
    ['no URL', () => ['--server', 'admin.example.com'], () => environment, /not the address/],
    ['a path', () => ['--server', `${url()}/admin/v1`], () => environment, /not the address/],
    ['a data directory as well', () => ['--server', url(), '--data-dir', home], () => environment, /name two servers/],
  ]
  it.each(cases)('%s', async (_title, args, variables, message) => {
    const result = await runCli(['client', 'list', ...args(), '--json'], { environment: variables() })
    expect({ code: result.code, stdout: result.stdout }).toEqual({ code: 2, stdout: '' })
    expect(JSON.parse(result.stderr)).toMatchObject({ message: expect.stringMatching(message) as string })
    expect(result.stderr).not.toMatch(/hidden|lk_test_/)
  })
})

describe('the secret stays here', () => {
  it('when the server names an issuer on another host', async () => {
    await impostor(
      (origin, request, response) => {
        answer(response, { resource: origin, authorization_servers: ['https://evil.example.com'] })
      },
      async (origin, seen) => {
        expectFailure(await remote(['client', 'list'], origin), 2, 'issuer.not_trusted')
        expect(seen.map(({ url }) => url)).toEqual(['/.well-known/oauth-protected-resource'])
        expectNoSecret(seen)
      },
    )
  })

  it('when the issuer is on plain http elsewhere, also when LATCHKEY_ISSUER says so', async () => {
    expect.hasAssertions()
    const issuer = 'http://auth.example.com'
    await impostor(
      (origin, _request, response) => answer(response, { resource: origin, authorization_servers: [issuer] }),
      async (origin, seen) => {
        const variables = { ...environment, LATCHKEY_ISSUER: issuer }
        expectFailure(await remote(['client', 'list'], origin, variables), 2, 'issuer.not_trusted')
        expectNoSecret(seen)
      },
    )
  })

  it('when the server speaks of another resource (RFC 9728 §3.3)', async () => {
    expect.hasAssertions()
    await impostor(
      (_origin, _request, response) =>
        answer(response, { resource: server.adminUrl, authorization_servers: [server.issuer] }),
      async (origin, seen) => {
        expectFailure(await remote(['client', 'list'], origin), 2, 'issuer.not_trusted')
        expectNoSecret(seen)
      },
    )
  })

  it('when the token endpoint is not the issuer’s own, or the metadata is of another (RFC 8414 §3.3)', async () => {
    expect.hasAssertions()
    for (const wrong of [
      { token_endpoint: 'https://evil.example.com/token' },
      { issuer: 'https://evil.example.com' },
    ]) {
      await impostor(
        (origin, request, response) => {
          if (request.url?.includes('protected-resource'))
            answer(response, { resource: origin, authorization_servers: [origin] })
          else answer(response, { issuer: origin, token_endpoint: `${origin}/token`, ...wrong })
        },
        async (origin, seen) => {
          expectFailure(await remote(['client', 'list'], origin), 2, 'issuer.not_trusted')
          expectNoSecret(seen)
        },
      )
    }
  })

  it('when it is sent elsewhere by a redirect', async () => {
    await impostor(
      (origin, request, response) => {
        if (request.url === '/elsewhere') answer(response, { resource: origin, authorization_servers: [origin] })
        else response.writeHead(302, { location: `${origin}/elsewhere` }).end()
      },
      async (origin, seen) => {
        expectFailure(await remote(['client', 'list'], origin), 1, 'server.no_answer')
        expect(seen).toHaveLength(1)
      },
    )
  })

  it('when what answers is no Latchkey server', async () => {
    for (const body of ['', 'hello', '[]', 'null', '{"resource":7}']) {
      await impostor(
        (_origin, _request, response) => void response.end(body),
        async (origin, seen) => {
          const result = await remote(['client', 'list'], origin)
          expect(result).toMatchObject({ stdout: '' })
          expect([1, 2]).toContain(result.code)
          expectNoSecret(seen)
        },
      )
    }
  })

  it('nobody there → 1', async () => {
    expect.hasAssertions()
    expectFailure(await remote(['client', 'list'], 'http://127.0.0.1:9'), 1, 'server.no_answer')
  })
})

describe('a create whose connection is lost', () => {
  it('is sent once more with the same key, and is done once', async () => {
    // Between the command and the server: hands everything on, and cuts the first create off once the server has answered it.
    let isCut = false
    const keys: unknown[] = []
    await impostor(
      (origin, request, response) => {
        void forward(request, origin).then(({ status, text }) => {
          if (request.url === '/admin/v1/clients') {
            keys.push(request.headers['idempotency-key'])
            if (!isCut) {
              isCut = true
              request.socket.destroy()
              return
            }
          }
          response.writeHead(status, { 'content-type': 'application/json' }).end(text)
        })
      },
      async (origin) => {
        const before = await count()
        const made = await remote(['client', 'create', 'cut off', '--scope', 'far/read', '--show-secret'], origin)
        expect(made).toMatchObject({ code: 0, stderr: '' })
        expect(keys).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/), keys[0]])
        expect(await count()).toBe(before + 1)
        const { client_id } = JSON.parse(made.stdout) as { client_id: string }
        expect(await runCliJson(['client', 'show', client_id], { cwd: home })).toMatchObject({ name: 'cut off' })
      },
    )
  })
})

describe('--revision', () => {
  it('changes what is as it was seen, and refuses what has changed since', async () => {
    const made = await runCliJson(['client', 'create', 'r', '--scope', 'far/read', '--show-secret'], { cwd: home })
    const id = String(made['client_id'])
    const local = (...args: string[]) => runCli([...args, '--json'], { cwd: home })
    expect((await local('client', 'update', id, '--name', 'r2', '--revision', '1')).code).toBe(0)
    expectFailure(await local('client', 'update', id, '--name', 'r3', '--revision', '1'), 1, 'revision.stale')
    expectFailure(await local('client', 'disable', id, '--revision', '1'), 1, 'revision.stale')
    expect((await local('client', 'disable', id, '--revision', '2')).code).toBe(0)
    expectFailure(await local('client', 'enable', id, '--revision', '2'), 1, 'revision.stale')
    expectFailure(await local('client', 'delete', id, '--yes', '--revision', '2'), 1, 'revision.stale')
    expect((await local('client', 'delete', id, '--yes', '--revision', '3')).code).toBe(0)
    expectFailure(await local('api', 'update', 'far', '--token-ttl', '60', '--revision', '9'), 1, 'revision.stale')
    expectFailure(await local('api', 'delete', 'far', '--yes', '--force', '--revision', '9'), 1, 'revision.stale')
    expect((await local('client', 'update', id, '--name', 'x', '--revision', 'one')).code).toBe(2)
  })
})

interface Seen {
  readonly url: string | undefined
  readonly text: string
}

type Behaviour = (origin: string, request: IncomingMessage, response: ServerResponse) => void

/** Runs a server that behaves as told, and shows everything that reached it. */
async function impostor(
  behave: Behaviour,
  work: (origin: string, seen: readonly Seen[]) => Promise<void>,
): Promise<void> {
  const seen: Seen[] = []
  const listening: Server = createServer((request, response) => {
    seen.push({ url: request.url, text: JSON.stringify(request.headers) })
    behave(origin, request, response)
  })
  await new Promise<void>((resolve) => void listening.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(listening.address() as AddressInfo).port}`
  try {
    await work(origin, seen)
  } finally {
    listening.closeAllConnections()
    await new Promise((resolve) => listening.close(resolve))
  }
}

/** What the real server answers, with its own address replaced by this one. */
async function forward(request: IncomingMessage, origin: string): Promise<{ status: number; text: string }> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const { authorization, 'idempotency-key': key, 'content-type': type } = request.headers
  const answered = await fetch(server.adminUrl + String(request.url), {
    method: request.method ?? 'GET',
    headers: Object.fromEntries(
      Object.entries({ authorization, 'idempotency-key': key as string | undefined, 'content-type': type }).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      ),
    ),
    ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
  })
  const text = await answered.text()
  return { status: answered.status, text: text.replaceAll(server.adminUrl, origin) }
}

function answer(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function expectFailure(result: CliResult, code: number, error: string): void {
  expect({ code: result.code, stdout: result.stdout, error: errorOf(result) }).toEqual({ code, stdout: '', error })
}

function errorOf({ stderr }: CliResult): unknown {
  try {
    return (JSON.parse(stderr) as { error?: unknown }).error
  } catch {
    return stderr
  }
}

function expectNoSecret(seen: readonly Seen[]): void {
  expect(seen.length).toBeGreaterThan(0)
  for (const { text } of seen) {
    expect(text).not.toContain(admin.client_secret)
    expect(text).not.toContain('authorization')
  }
}

async function count(): Promise<number> {
  const { items } = (await runCliJson(['client', 'list', '--limit', '1000'], { cwd: home })) as { items: object[] }
  return items.length
}
