import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCli } from './testing/run-cli.ts'

/* `latchkey gate`: its settings. What it decides: packages/guard/src/gate, e2e/src/gate. */

const secret = 'SEKRET-of-the-resource-server'
let directory: string
let settings: Record<string, string>

beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'lk-gate-'))
  settings = {
    issuer: 'http://127.0.0.1:9',
    audience: 'https://api.example.com',
    resource_server: 'configurations',
    client_id: 'api-1',
    client_secret_file: path.join(directory, 'secret'),
    proxy: 'nginx',
    data_dir: path.join(directory, 'data'),
    port: '0',
    admin_port: '0',
  }
  await writeFile(path.join(directory, 'secret'), `${secret}\n`)
})
afterAll(() => rm(directory, { recursive: true }))

const flagsOf = (values: Readonly<Record<string, string | undefined>>): string[] =>
  Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [`--${key.replaceAll('_', '-')}`, value],
  )

async function gate(
  values: Readonly<Record<string, string | undefined>>,
  environment: Record<string, string> = {},
  more: string[] = [],
): Promise<{ code: number | null; said: string }> {
  const { code, stdout, stderr } = await runCli(['gate', ...flagsOf(values), ...more], { environment })
  return { code, said: stdout + stderr }
}

describe('settings', () => {
  test.each<[key: string, value: string | undefined, message: RegExp]>([
    ['issuer', undefined, /--issuer is missing: the authorization server/],
    ['issuer', 'login.example.com', /--issuer "login\.example\.com" is not an http\(s\) URL/],
    ['issuer', 'http://login.example.com', /is not the URL of an authorization server/],
    ['audience', 'api', /--audience "api" is not an absolute URI/],
    ['resource_server', 'A B', /is not the name of a resource server/],
    ['proxy', undefined, /--proxy is missing/],
    ['proxy', 'apache', /is not one of nginx, caddy, traefik, haproxy, envoy/],
    ['proxy_networks', '10.0.0.0/33', /is not CIDRs/],
    ['proxy_networks', '10.0.0.0/8,', /is not CIDRs/],
    ['port', '65536', /is not a port/],
    ['algorithms', 'none', /is not names separated by commas out of ES256/],
    ['max_staleness', '1', /is not a number of seconds from 10/],
    ['remembered_tokens', 'many', /is not a number from 0 to 1000000/],
    ['data_dir', undefined, /--data-dir is missing/],
    ['data_dir', '/dev/null/x', /cannot make \/dev\/null\/x: ENOTDIR/],
    ['client_secret_file', undefined, /there is no client secret/],
  ])('%s %j is refused', async (key, value, message) => {
    const { code, said } = await gate({ ...settings, [key]: value })
    expect(said).toMatch(message)
    expect(code).toBe(2)
  })

  test('the secret has no flag, comes from one place, and is never shown', async () => {
    const both = await gate(settings, { LATCHKEY_GATE_CLIENT_SECRET: secret })
    expect([both.code, both.said]).toEqual([2, expect.stringContaining('there are two client secrets')])
    expect(both.said).not.toContain('SEKRET')
    const flag = await gate(settings, {}, ['--client-secret', secret])
    expect([flag.code, flag.said]).toEqual([2, expect.stringContaining('unknown option')])
  })

  test('a file with an unknown key, or none, is refused', async () => {
    const file = path.join(directory, 'gate.yaml')
    await writeFile(file, `client_secrets: ${secret}\n`)
    const unknown = await gate({}, {}, ['--config', file])
    expect([unknown.code, unknown.said]).toEqual([2, expect.stringContaining('unknown key "client_secrets"')])
    await writeFile(file, `client_secret: "${secret}\n`)
    const broken = await gate({}, {}, ['--config', file, '--json'])
    expect([broken.code, JSON.parse(broken.said)]).toEqual([2, expect.objectContaining({ error: 'config.invalid' })])
    expect(broken.said + unknown.said).not.toContain('SEKRET')
    expect((await gate({}, {}, ['--config', '/none'])).said).toContain(
      'cannot read the configuration file /none: ENOENT',
    )
  })
})

describe('a running gate', () => {
  test('by file, variables and flags; it says where it is, waits for the issuer, and ends with 0', async () => {
    const file = path.join(directory, 'gate.yaml')
    await writeFile(file, 'proxy_networks: [10.0.0.0/8, 127.0.0.1]\nproxy: envoy\nissuer: http://127.0.0.1:1\n')
    await chmod(file, 0o600)
    const { proxy: _, issuer, ...flags } = settings
    const { spawn } = await import('node:child_process')
    const main = new URL('main.ts', import.meta.url).pathname
    const child = spawn(
      process.execPath,
      ['--conditions=latchkey-source', main, 'gate', '--json', '--config', file, ...flagsOf(flags)],
      { env: { PATH: process.env['PATH'], LATCHKEY_GATE_ISSUER: issuer, LATCHKEY_GATE_PROXI: secret } },
    )
    let errors = ''
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    const line = await new Promise<string>((resolve) => child.stdout.once('data', (chunk) => resolve(String(chunk))))
    const ready = JSON.parse(line) as { url: string; admin: string; issuer: string }
    expect(ready.issuer).toBe(issuer)
    expect((await fetch(`${ready.admin}/healthz`)).status).toBe(200)
    expect((await fetch(`${ready.admin}/readyz`)).status).toBe(503)
    expect((await fetch(`${ready.url}/check/things`)).status).toBe(401)
    expect((await stat(path.join(directory, 'data'))).mode & 0o777).toBe(0o700)
    child.kill('SIGTERM')
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
    const logged = errors
      .trim()
      .split('\n')
      .map((each) => JSON.parse(each) as { msg: string })
    expect(logged[0]?.msg).toBe('the variable LATCHKEY_GATE_PROXI is not known to this version and is ignored')
    expect(logged.at(-1)?.msg).toBe('stopped')
    expect(errors + line).not.toContain('SEKRET')
  })
})
