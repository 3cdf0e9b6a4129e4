import { mkdtemp, rm } from 'node:fs/promises'
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

/* Every verb against a whole server, through its unix socket, as a process of its own. */

let home: string
let server: RunningServer

beforeAll(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'lk-cli-'))
  const config = developmentConfig({ data_dir: path.join(home, '.latchkey'), environment: 'test' })
  server = await startServer(
    { ...config, port: 0, adminPort: 0, apiPort: 0, mtls: undefined },
    { clock: systemClock, random: systemRandom(), logger: createLogger('silent'), version: '0.0.0-test' },
  )
  await json('api', 'create', 'shop', '--audience', 'urn:shop', '--scope', 'read=Read = look', '--scope', 'write')
})

afterAll(async () => {
  await server.stop()
  await rm(home, { recursive: true })
})

describe('resource-server', () => {
  it('is created with scopes and descriptions, shown and listed', async () => {
    const scopes = [
      { name: 'read', description: 'Read = look' },
      { name: 'write', description: '' },
    ]
    const shown = await json('resource-server', 'show', 'shop')
    expect(shown).toMatchObject({ name: 'shop', audience: 'urn:shop', exclusive: false, scopes })
    const human = await cli('api', 'show', 'shop')
    expect(human.stdout).toContain('scopes    shop/read  Read = look\n')
    expect((await cli('api', 'list')).stdout).toMatch(/^NAME +AUDIENCE +EXCLUSIVE +SCOPES\n/)
  })

  it('is changed, and deleted only with --yes', async () => {
    await json('api', 'create', 'brief', '--audience', 'urn:brief', '--scope', 'a', '--exclusive', '--token-ttl', '600')
    const changed = await json(
      'api',
      'update',
      'brief',
      '--add-scope',
      'b=Bee',
      '--remove-scope',
      'a',
      '--no-exclusive',
    )
    expect(changed).toMatchObject({
      scopes: [{ name: 'b', description: 'Bee' }],
      exclusive: false,
      token_ttl_seconds: 600,
    })
    expect(await json('api', 'update', 'brief', '--token-ttl', 'none')).not.toHaveProperty('token_ttl_seconds')
    expect(await cli('api', 'delete', 'brief')).toMatchObject({ code: 2 })
    expect(await json('api', 'delete', 'brief', '--yes')).toEqual({ name: 'brief', deleted: true })
    expect(await cli('api', 'show', 'brief')).toMatchObject({ code: 1, stdout: '' })
  })

  it('gets a credential', async () => {
    const made = await json('resource-server', 'credential', 'shop')
    expect(made).toMatchObject({ client_id: expect.any(String) as string, client_secret: expect.any(String) as string })
    const secrets = await json('secret', 'list', String(made['client_id']))
    expect(secrets['items']).toMatchObject([{ id: made['id'], state: 'active' }])
  })

  it('pages its list', async () => {
    await json('api', 'create', 'second', '--audience', 'urn:second', '--scope', 'a')
    const first = await json('api', 'list', '--limit', '1')
    const next = await json('api', 'list', '--limit', '1', '--cursor', String(first['next_cursor']))
    expect([first['items'], next['items']]).toMatchObject([[{ name: 'latchkey' }], [{ name: 'second' }]])
    expect((await cli('api', 'list', '--limit', '1')).stdout).toContain(`There is more: --cursor`)
  })
})

describe('client', () => {
  it('is created with a secret that the token endpoint takes', async () => {
    const created = await json('client', 'create', 'Acme: billing', '--scope', 'shop/read shop/write', '--show-secret')
    expect(created).toMatchObject({ name: 'Acme: billing', scopes: ['shop/read', 'shop/write'], state: 'enabled' })
    const { client_id: id, client_secret: secret } = created
    const response = await fetch(server.tokenEndpoint, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${String(id)}:${String(secret)}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    })
    expect(response.status).toBe(200)
    const shown = await cli('client', 'show', String(id))
    expect(shown.stdout).not.toContain(String(secret))
  })

  it('is found by state and scope', async () => {
    const id = await createClient('shop/write')
    await json('client', 'disable', id)
    const found = await json('client', 'list', '--scope', 'shop/write', '--state', 'disabled')
    expect(found['items']).toMatchObject([{ client_id: id }])
    const none = await cli('client', 'list', '--scope', 'shop/none', '--state', 'disabled')
    expect(none).toMatchObject({ code: 0, stdout: 'There are no such clients.\n' })
    expect(await cli('client', 'list', '--state', 'gone')).toMatchObject({ code: 2, stdout: '' })
    await json('client', 'delete', id, '--yes')
  })

  it('gets a delivery link instead of a secret, which is shown once', async () => {
    const created = await json('client', 'create', 'linked', '--scope', 'shop/read', '--contact', 'it@acme.example')
    expect(created).toMatchObject({ contact_address: 'it@acme.example', mailed_to: 'it@acme.example' })
    expect(created).not.toHaveProperty('client_secret')
    const id = String(created['client_id'])
    expect((await json('secret', 'list', id))['items']).toEqual([])
    const link = String(created['delivery_link'])
    expect(link).toMatch(/\/claim\/[a-z0-9]{24}#[\w-]{43}$/)
    const listed = await cli('link', 'list', '--client', id)
    expect(listed.stdout).toContain(String(created['link_id']))
    expect(listed.stdout).not.toContain(link.split('#')[1])
    const text = await cli('client', 'create', 'linked', '--scope', 'shop/read')
    expect(text.stdout).toMatch(/delivery link +http\S+#[\w-]{43}\nlives until +20[^]*Hand the link to its owner/)
  })

  it('gets further links, with a code when that is wanted, and each can be revoked', async () => {
    const id = await createClient('shop/read')
    const made = await json('link', 'create', id, '--with-code', '--expires-in', '60')
    expect(made['code']).toMatch(/^\d{4} \d{4}$/)
    const text = await cli('link', 'create', id, '--with-code')
    expect(text.stdout).toMatch(/code +\d{4} \d{4}\n[^]*The code goes by another channel/)
    const open = (await json('link', 'list', '--client', id, '--state', 'open'))['items'] as { id: string }[]
    expect(open).toHaveLength(1)
    const revoked = await cli('link', 'revoke', open[0]?.id ?? '')
    expect(revoked).toMatchObject({ code: 0, stdout: `Delivery link ${open[0]?.id} is revoked.\n` })
    expect((await json('link', 'list', '--client', id, '--state', 'revoked'))['items']).toHaveLength(2)
    const none = await cli('link', 'list', '--client', id, '--state', 'locked')
    expect(none).toMatchObject({ code: 0, stdout: 'There are no such delivery links.\n' })
    expect(await cli('link', 'revoke', 'a'.repeat(24))).toMatchObject({ code: 1, stdout: '' })
    expect(await cli('link', 'create', 'nobody')).toMatchObject({ code: 1, stdout: '' })
    expect(await cli('link', 'create', id, '--expires-in', '604801')).toMatchObject({ code: 2, stdout: '' })
  })

  it('is changed, disabled, enabled and deleted', async () => {
    const id = await createClient('shop/read')
    const changed = await json(
      'client',
      'update',
      id,
      '--name',
      'new',
      '--add-scope',
      'shop/write',
      '--token-ttl',
      '60',
    )
    expect(changed).toMatchObject({ name: 'new', scopes: ['shop/read', 'shop/write'], token_ttl_seconds: 60 })
    expect(await json('client', 'update', id, '--token-ttl', 'none')).not.toHaveProperty('token_ttl_seconds')
    expect(await json('client', 'disable', id)).toMatchObject({ state: 'disabled' })
    expect(await json('client', 'enable', id)).toMatchObject({ state: 'enabled' })
    expect(await cli('client', 'delete', id)).toMatchObject({ code: 2 })
    expect(await json('client', 'delete', id, '--yes')).toEqual({ client_id: id, deleted: true })
    expect(await cli('client', 'show', id)).toMatchObject({ code: 1 })
  })

  it('is tested: 0 when a request would be granted, 1 with the reason when not', async () => {
    const id = await createClient('shop/read')
    const granted = { granted: true, scopes: ['shop/read'], audience: ['urn:shop'] }
    expect(await json('client', 'test', id)).toMatchObject(granted)
    expect(await json('client', 'test', id, '--resource', 'urn:shop')).toMatchObject(granted)
    const refused = await cli('client', 'test', id, '--scope', 'shop/write', '--json')
    expect(refused).toMatchObject({ code: 1, stderr: '' })
    expect(JSON.parse(refused.stdout)).toMatchObject({ granted: false, error: 'invalid_scope' })
    await cli('client', 'disable', id)
    expect(await cli('client', 'test', id)).toMatchObject({ code: 1, stderr: '' })
  })
})

describe('secret', () => {
  it('is added, listed and revoked, with its line when it was compromised', async () => {
    const id = await createClient('shop/read')
    const first = await json('secret', 'add', id, '--name', 'first of two', '--expires-in', '3600')
    expect(Object.keys(first)).toEqual(['id', 'client_secret', 'expires_at'])
    const second = await json('secret', 'add', id, '--replaces', String(first['id']))
    expect(Object.keys(second)).toEqual(['id', 'client_secret'])
    const revoked = await json('secret', 'revoke', String(first['id']), '--compromised')
    expect(revoked).toEqual({ revoked: [first['id'], second['id']] })
    const listed = await cli('secret', 'list', id)
    expect(listed.stdout.match(/ revoked /g)).toHaveLength(2)
    expect(listed.stdout).not.toContain('lk_test_')
  })
})

describe('token', () => {
  it('is got alone on standard output, inspected from there, and revoked', async () => {
    const id = await createClient('shop/read')
    const got = await cli('token', 'get', id)
    expect(got).toMatchObject({ code: 0, stderr: '' })
    expect(got.stdout).toMatch(/^eyJ[\w.-]+\n$/)
    const active = await pipe(got.stdout, 'token', 'inspect', '-', '--json')
    expect(JSON.parse(active.stdout)).toMatchObject({ active: true, claims: { sub: id, scope: 'shop/read' } })
    expect(await cli('token', 'inspect', got.stdout.trim())).toMatchObject({ code: 0 })
    const revoked = await pipe(got.stdout, 'token', 'revoke', '-', '--json')
    expect(JSON.parse(revoked.stdout)).toMatchObject({ jti: expect.any(String) as string })
    const dead = await pipe(got.stdout, 'token', 'inspect', '-', '--json')
    expect(dead.code).toBe(0)
    expect(JSON.parse(dead.stdout)).toMatchObject({ active: false, reason: expect.any(String) as string })
  })

  it('is the token endpoint’s answer with --json', async () => {
    const answer = await json('token', 'get', await createClient('shop/read shop/write'), '--scope', 'shop/read')
    expect(answer).toMatchObject({ token_type: 'Bearer', scope: 'shop/read', expires_in: expect.any(Number) as number })
  })

  it('that is none is inactive, whatever it holds', async () => {
    for (const nonsense of ['x', 'eyJ.eyJ.', '\u001b[2J', 'a'.repeat(16_384)]) {
      const result = await pipe(nonsense, 'token', 'inspect', '-', '--json')
      expect(result.code).toBe(0)
      expect(JSON.parse(result.stdout)).toMatchObject({ active: false })
    }
  })
})

describe('key, audit and doctor', () => {
  it('lists keys without their private halves', async () => {
    const keys = await json('key', 'list')
    expect(keys['items']).toContainEqual(expect.objectContaining({ state: 'active', algorithm: 'ES256' }))
  })

  it('finds the audit entries of a client and of a request', async () => {
    const id = await createClient('shop/read')
    await cli('token', 'get', id)
    const since = new Date(Date.now() - 60_000).toISOString()
    const { items } = (await json('audit', 'list', '--client', id, '--since', since)) as { items: Entry[] }
    expect(items.map((entry) => entry.event)).toContain('client.created')
    const [entry] = items
    const same = await json('audit', 'list', '--request-id', entry?.request_id ?? '')
    expect(same['items']).toContainEqual(entry)
    const none = await cli('audit', 'list', '--event', 'client.deleted', '--client', id)
    expect(none.stdout).toBe('There are no such entries.\n')
  })

  it('verifies the audit log', async () => {
    const report = await cli('audit', 'verify')
    expect(report).toMatchObject({ code: 0, stderr: '' })
    expect(report.stdout).toMatch(/^The audit log is intact\.\n/)
  })

  it('finds the server well', async () => {
    const result = await cli('doctor', '--json')
    const { ok, findings } = JSON.parse(result.stdout) as { ok: boolean; findings: { check: string; status: string }[] }
    expect(findings.filter((finding) => finding.status === 'failed')).toEqual([])
    expect({ ok, code: result.code }).toEqual({ ok: true, code: 0 })
    expect(findings.map((finding) => finding.check)).toEqual(
      expect.arrayContaining(['node', 'data directory', 'server']),
    )
  })
})

describe('refusals end with 1, invalid input with 2, and nothing on standard output', () => {
  const cases: [commandLine: string, code: number, error: string][] = [
    ['client show nobody', 1, 'client.unknown'],
    ['client update nobody --name x', 1, 'client.unknown'],
    ['client disable nobody', 1, 'client.unknown'],
    ['client enable nobody', 1, 'client.unknown'],
    ['client delete nobody --yes', 1, 'client.unknown'],
    ['client test nobody', 1, 'client.unknown'],
    ['client create x --scope shop/none --show-secret', 1, 'scope.unknown'],
    ['client create x --scope none/read --show-secret', 1, 'scope.unknown'],
    ['secret add nobody', 1, 'client.unknown'],
    ['secret list nobody', 1, 'client.unknown'],
    ['secret revoke nosuchsecret', 1, 'credential.unknown'],
    ['token get nobody', 1, 'client.unknown'],
    ['token revoke x', 1, 'token.not_ours'],
    ['api show none', 1, 'resource_server.unknown'],
    ['api update none --exclusive', 1, 'resource_server.unknown'],
    ['api delete none --yes', 1, 'resource_server.unknown'],
    ['api credential none', 1, 'resource_server.unknown'],
    ['api create shop --audience urn:other --scope a', 1, 'resource_server.name_taken'],
    ['api create other --audience urn:shop --scope a', 1, 'resource_server.audience_taken'],
    ['api create latchkey --audience urn:other --scope a', 1, 'resource_server.reserved'],
    ['api update shop --remove-scope none', 1, 'scope.unknown'],
    ['api update shop --remove-scope read', 1, 'scope.in_use'],
    ['api delete shop --yes', 1, 'resource_server.in_use'],
    ['client show a_b', 2, 'request.invalid'],
    ['client list --limit 0', 2, 'request.invalid'],
    ['client create x --scope read --show-secret', 2, 'request.invalid'],
    ['client create x --scope shop/read --show-secret --token-ttl 59', 2, 'request.invalid'],
    ['secret revoke not-an-id', 2, 'request.invalid'],
    ['api create Shop --audience urn:other --scope a', 2, 'request.invalid'],
    ['api create other --audience nowhere --scope a', 2, 'request.invalid'],
    ['api create other --audience urn:other --scope a --scope a', 2, 'request.invalid'],
    ['audit list --event !', 2, 'request.invalid'],
    ['audit list --request-id mine', 2, 'request.invalid'],
  ]
  beforeAll(async () => {
    await createClient('shop/read')
  })
  it.concurrent.each(cases)('latchkey %s → %d %s', async (commandLine, code, error) => {
    const result = await cli(...commandLine.split(' '), '--json')
    expect({ code: result.code, stdout: result.stdout }).toEqual({ code, stdout: '' })
    const shape = { error, message: expect.any(String) as string, hint: expect.any(String) as string }
    expect(JSON.parse(result.stderr)).toEqual(shape)
  })

  it('names the field of an invalid name, and does not print it', async () => {
    const result = await cli('client', 'create', '\u001b[2J', '--scope', 'shop/read', '--show-secret')
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(result.stderr).toMatch(/^latchkey: name: expected no control or formatting characters — see `[a-z -]+`\n$/)
  })
})

interface Entry {
  readonly event: string
  readonly request_id: string
}

function cli(...args: string[]): Promise<CliResult> {
  return runCli(args, { cwd: home })
}

function json(...args: string[]): Promise<Record<string, unknown>> {
  return runCliJson(args, { cwd: home })
}

function pipe(input: string, ...args: string[]): Promise<CliResult> {
  return runCli(args, { cwd: home, input })
}

async function createClient(scopes: string): Promise<string> {
  return String((await json('client', 'create', 'c', '--scope', scopes, '--show-secret'))['client_id'])
}
