import { mkdtemp, rm, writeFile } from 'node:fs/promises'
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

/* The commands as processes of their own, against a whole server. */

let home: string
let server: RunningServer

const base = `# Our APIs
latchkey: 1
resource_servers:
  - name: shop
    audience: urn:shop
    scopes:
      - name: read
        description: Look
      - name: write
clients:
  - client_id: acme-1
    name: Acme
    scopes: [shop/read, shop/write]
  - client_id: '0042'
    name: Idle
    scopes: [shop/read]
`

beforeAll(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'lk-apply-'))
  const config = developmentConfig({ data_dir: path.join(home, '.latchkey'), environment: 'test' })
  server = await startServer(
    { ...config, port: 0, adminPort: 0, apiPort: 0, mtls: undefined },
    { clock: systemClock, random: systemRandom(), logger: createLogger('silent'), version: '0.0.0-test' },
  )
  await writeFile(path.join(home, 'base.yaml'), base)
})

afterAll(async () => {
  await server.stop()
  await rm(home, { recursive: true })
})

describe('apply and export', () => {
  it('shows a plan and does nothing, then applies it, then finds nothing to do', async () => {
    const planned = await cli('apply', '-f', 'base.yaml', '--plan')
    expect(planned).toMatchObject({ code: 0, stderr: '' })
    expect(planned.stdout).toBe(`Resource servers
  + shop
      + audience: urn:shop
      + scope read  Look
      + scope write

Clients
  + 0042  Idle  (without a secret: \`latchkey secret add\` makes one)
      + scope shop/read
  + acme-1  Acme  (without a secret: \`latchkey secret add\` makes one)
      + scope shop/read
      + scope shop/write

3 to create, 0 to change, 0 to delete; no tokens end.
`)
    expect(await json('client', 'list')).toEqual({ items: [] })
    expect((await cli('apply', '-f', 'base.yaml')).stdout).toBe(`${planned.stdout}Applied.\n`)
    expect((await cli('apply', '-f', 'base.yaml')).stdout).toBe('Nothing to do: the server is as the file says.\n')
    expect(await json('apply', '-f', 'base.yaml')).toMatchObject({ applied: false, steps: [] })
    expect(await json('client', 'show', 'acme-1')).toMatchObject({ name: 'Acme', secrets: [] })
  })

  it('takes what it exports, as YAML and as JSON, and finds nothing to do', async () => {
    const exported = await cli('export')
    expect(exported).toMatchObject({ code: 0, stderr: '' })
    expect(exported.stdout).toMatch(/^# .*\n(# .*\n)+latchkey: 1\nresource_servers:\n {2}- name: shop\n/)
    expect(exported.stdout).toContain('client_id: "0042"')
    const nothing = { code: 0, stdout: 'Nothing to do: the server is as the file says.\n', stderr: '' }
    expect(await pipe(exported.stdout, 'apply', '-f', '-', '--plan', '--fail-on-drift')).toEqual(nothing)
    expect(await pipe((await cli('export', '--json')).stdout, 'apply', '-f', '-', '--prune', '--plan')).toEqual(nothing)
    expect((await cli('export')).stdout).toBe(exported.stdout)
  })

  it('marks what ends tokens, shows drift, and ends with 1 only when asked to', async () => {
    const changed = base.replace('[shop/read, shop/write]', '[shop/read]').replace('urn:shop', 'urn:moved')
    const drift = await pipe(changed, 'apply', '-f', '-', '--plan')
    expect(drift.code).toBe(0)
    expect(drift.stdout).toContain('  ~ shop  (ends the tokens of 2 clients)\n      ~ audience: urn:shop → urn:moved\n')
    expect(drift.stdout).toContain('  ~ acme-1  Acme  (ends its tokens)\n      - scope shop/write\n')
    expect(drift.stdout).toMatch(/\n0 to create, 2 to change, 0 to delete; the tokens of 2 clients end\.\n$/)
    expect(drift.stdout).not.toContain('\u001b')
    expect(await pipe(changed, 'apply', '-f', '-', '--plan', '--fail-on-drift')).toMatchObject({
      code: 1,
      stderr: '',
      stdout: drift.stdout,
    })
    expect(await json('client', 'show', 'acme-1')).toMatchObject({ scopes: ['shop/read', 'shop/write'] })
  })

  it('leaves alone what the file does not name, and deletes it with --prune --yes only', async () => {
    await json('client', 'create', 'By hand', '--scope', 'shop/read', '--show-secret')
    const { items } = (await json('client', 'list')) as { items: { client_id: string; name: string }[] }
    const byHand = items.find(({ name }) => name === 'By hand')?.client_id ?? ''
    expect((await cli('apply', '-f', 'base.yaml')).stdout).toBe(
      `Not in the file, left alone: 1 client (${byHand})\n\nNothing to do: the server is as the file says.\n`,
    )
    const refused = await cli('apply', '-f', 'base.yaml', '--prune')
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toMatch(new RegExp(`deleting ${byHand} cannot be undone`))
    expect((await cli('client', 'show', byHand)).code).toBe(0)
    const pruned = await json('apply', '-f', 'base.yaml', '--prune', '--yes')
    expect(pruned).toMatchObject({ applied: true, steps: [{ action: 'delete', id: byHand, ends_tokens_of: [byHand] }] })
    expect((await cli('client', 'show', byHand)).code).toBe(1)
  })
})

describe('over the network', () => {
  it('takes declaration.read to plan and to export, declaration.write to apply', async () => {
    const scopes = (...names: string[]) => names.flatMap((name) => ['--scope', `latchkey/declaration.${name}`])
    const reader = await json('client', 'create', 'reader', ...scopes('read'), '--show-secret')
    const writer = await json('client', 'create', 'writer', ...scopes('read', 'write'), '--show-secret')
    const as = (who: Record<string, unknown>, input: string, ...args: string[]) =>
      runCli([...args, '--server', server.adminUrl], {
        input,
        environment: {
          LATCHKEY_CLIENT_ID: String(who['client_id']),
          LATCHKEY_CLIENT_SECRET: String(who['client_secret']),
        },
      })
    const renamed = base.replace('name: Acme', 'name: From afar')
    const planned = await as(reader, renamed, 'apply', '-f', '-', '--plan')
    expect(planned).toMatchObject({ code: 0, stderr: '' })
    expect(planned.stdout).toContain('~ name: Acme → From afar')
    expect((await as(reader, '', 'export')).stdout).toBe((await cli('export')).stdout)
    const refused = await as(reader, renamed, 'apply', '-f', '-')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('does not hold latchkey/declaration.write')
    expect(await json('client', 'show', 'acme-1')).toMatchObject({ name: 'Acme' })
    expect(await as(writer, renamed, 'apply', '-f', '-')).toMatchObject({ code: 0, stderr: '' })
    const { items } = await json('audit', 'list', '--event', 'declaration.applied', '--limit', '1')
    expect(items).toMatchObject([{ actor: writer['client_id'] }])
    expect(await cli('apply', '-f', 'base.yaml')).toMatchObject({ code: 0 })
  })
})

describe('a file that is wrong is refused with its lines, and nothing of it is quoted', () => {
  const secret = `lk_dev_${'a'.repeat(16)}_${'B'.repeat(43)}_000000`
  const head = 'latchkey: 1\nclients:\n'
  const cases: [what: string, source: string, code: number, message: RegExp][] = [
    ['a tab for indentation', 'latchkey: 1\nclients:\n\t- a\n', 2, /line 3: not YAML or JSON/],
    ['a key twice', 'latchkey: 1\nlatchkey: 1\n', 2, /line 2: not YAML or JSON \(duplicate key\)/],
    ['two documents', 'latchkey: 1\n---\nlatchkey: 1\n', 2, /not YAML or JSON/],
    ['an alias without an anchor', 'latchkey: *none\n', 2, /not YAML or JSON|alias/],
    ['nothing', '', 2, /standard input: line 1: /],
    ['a version of later', 'latchkey: 2\n', 2, /line 1: latchkey: the version of the format, 1/],
    ['an unknown section', 'latchkey: 1\nusers: []\n', 2, /line 2: users: unknown field/],
    [
      'an unknown field',
      `${head}  - client_id: a\n    name: A\n    colour: red\n    scopes: []\n`,
      2,
      /line 5: clients\.0\.colour: unknown field/,
    ],
    ['a missing field', `${head}  - client_id: a\n    scopes: []\n`, 2, /line 3: clients\.0\.name: .*expected string/],
    [
      'an id that is a number',
      `${head}  - client_id: 42\n    name: A\n    scopes: []\n`,
      2,
      /line 3: clients\.0\.client_id: .*in quotes/,
    ],
    [
      'a client twice',
      `${head}  - { client_id: a, name: A, scopes: [] }\n  - { client_id: a, name: B, scopes: [] }\n`,
      2,
      /line 4: clients\.1\.client_id: .*a is named twice/,
    ],
    [
      'a secret’s field',
      `${head}  - client_id: a\n    name: A\n    client_secret: hunter2\n    scopes: []\n`,
      2,
      /line 5: clients\.0\.client_secret: no declaration holds a secret.*secret revoke/,
    ],
    [
      'a secret as a value',
      `${head}  - client_id: a\n    name: ${secret}\n    scopes: []\n`,
      2,
      /line 4: .*client secret.*secret revoke/,
    ],
    ['a secret in a comment', `${head}  # ${secret}\n`, 2, /line 3: .*client secret/],
    [
      'a scope that nobody offers',
      `${head}  - client_id: a\n    name: A\n    scopes:\n      - shop/read\n      - shop/none\n`,
      1,
      /line 7: clients\.0\.scopes\.1: there is no scope shop\/none/,
    ],
    [
      'an audience that another has',
      `latchkey: 1\nresource_servers:\n  - name: till\n    audience: urn:shop\n    scopes: [{ name: a }]\n`,
      1,
      /line 4: .*shop has the audience/,
    ],
  ]
  it.concurrent.each(cases)('%s', async (_what, source, code, message) => {
    const result = await pipe(source, 'apply', '-f', '-')
    expect(result).toMatchObject({ code, stdout: '' })
    expect(result.stderr).toMatch(message)
    expect(result.stderr).not.toMatch(/hunter2|lk_dev_/)
    expect(result.stderr.trimEnd()).not.toContain('\n')
  })

  it('says all that is wrong at once, in the order of lines', async () => {
    const result = await pipe(
      `${head}  - client_id: a/b\n    name: A\n    scopes: [x]\nmore: 1\n`,
      'apply',
      '-f',
      '-',
      '--json',
    )
    expect(JSON.parse(result.stderr)).toMatchObject({
      error: 'declaration.invalid',
      message: expect.stringMatching(
        /line 3: clients\.0\.client_id.*line 5: clients\.0\.scopes\.0.*line 6: more/,
      ) as string,
    })
  })

  const misuses: [commandLine: string, message: RegExp][] = [
    ['apply', /no file is named/],
    ['apply -f', /argument missing/],
    ['apply -f nowhere.yaml', /cannot read nowhere\.yaml \(ENOENT\)/],
    ['apply -f base.yaml --fail-on-drift', /goes with --plan/],
    ['apply -f base.yaml --plan --yes', /cannot be used with/],
    ['apply base.yaml', /too many arguments/],
  ]
  it.concurrent.each(misuses)('latchkey %s', async (commandLine, message) => {
    const result = await cli(...commandLine.split(' '))
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(result.stderr).toMatch(message)
  })
})

function cli(...args: string[]): Promise<CliResult> {
  return runCli(args, { cwd: home })
}

function json(...args: string[]): Promise<Record<string, unknown>> {
  return runCliJson(args, { cwd: home })
}

function pipe(input: string, ...args: string[]): Promise<CliResult> {
  return runCli(args, { cwd: home, input })
}
