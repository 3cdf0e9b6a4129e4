import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from './testing/run-cli.ts'
import { version } from './version.ts'

/*
 * What can be said without a server. Commands that would reach one are pointed at an empty directory, so that "used wrongly" cannot be
 * confused with "refused".
 */

let empty: string

beforeAll(async () => {
  empty = await mkdtemp(path.join(os.tmpdir(), 'lk-cli-'))
})

afterAll(async () => {
  await rm(empty, { recursive: true })
})

describe('misuse ends with 2 and says what is wrong', () => {
  const cases: [commandLine: string, message: RegExp][] = [
    ['', /what shall latchkey do/],
    ['nonsense', /unknown command 'nonsense'/],
    ['gate', /--issuer is missing/],
    ['clinet --help', /unknown command 'clinet' \(Did you mean client\?\)/],
    ['-h clinet', /unknown command 'clinet' \(Did you mean client\?\)/],
    ['client lst --help', /unknown command 'lst' \(Did you mean list\?\)/],
    ['help clinet', /unknown command 'clinet' \(Did you mean client\?\)/],
    ['help client lst', /unknown command 'lst' \(Did you mean list\?\)/],
    ['--nonsense', /unknown option '--nonsense'/],
    ['client', /what shall latchkey client do/],
    ['client lst', /unknown command 'lst' \(Did you mean list\?\)/],
    ['client create', /missing required argument 'NAME'/],
    ['client create x', /needs a scope/],
    ['client create x --scope', /argument missing/],
    ['link create', /missing required argument 'CLIENT'/],
    ['link create x --expires-in soon', /whole number/],
    ['link list --state lost', /is invalid/],
    ['request approve x', /needs the revision/],
    ['request ask x --revision 1', /nothing to ask/],
    ['request reject x --revision 1', /needs a reason/],
    ['request reject x --reason no', /needs the revision/],
    ['request list --state unconfirmed', /is invalid/],
    ['cert issue x --csr a --pkcs12 b', /holds a private key/],
    ['cert renew x', /needs a signing request/],
    ['cert register x', /which certificate is missing/],
    ['cert register x --certificate /none', /cannot be read/],
    ['client create x --scope a/b --auth mtls --require-certificate', /by certificate alone/],
    ['cert issue x --csr /none', /cannot be read/],
    ['cert list --state new', /is invalid/],
    ['link revoke', /missing required argument 'ID'/],
    ['client create x y --scope a/b', /too many arguments/],
    ['client create x --scope a/b --auth password', /is invalid/],
    ['client create x --scope a/b --show-secret --token-ttl 1.5', /whole number/],
    ['client create x --scope a/b --show-secret --token-ttl ten', /whole number/],
    ['client create x --scope a/b --show-secret --colour red', /unknown option '--colour'/],
    ['client update x', /nothing to change/],
    ['client update x --allow-ip none --allow-ip 10.0.0.1', /stands alone/],
    ['client update x --allow-ip 10.0.0.1,until=soon', /10\.0\.0\.1,until=soon: soon is no date/],
    ['client update x --allow-ip-for all --allow-ip-for token', /stands alone/],
    ['client create x --scope a/b --network-mode report', /no addresses are named/],
    ['client update x --network-mode sometimes', /Allowed choices are enforce, report/],
    ['client delete x', /cannot be undone/],
    ['client list --limit many', /whole number/],
    ['resource-server create x --scope a', /needs an audience/],
    ['api create x --audience urn:x', /needs a scope/],
    ['api update x', /nothing to change/],
    ['api delete x', /cannot be undone/],
    ['secret add', /missing required argument 'CLIENT'/],
    ['token get', /missing required argument 'CLIENT'/],
    ['token inspect -', /no token on standard input/],
    ['key revoke', /missing required argument 'KID'/],
    ['key rotate now', /too many arguments/],
    ['master-key rotate --key abc', /unknown option '--key'/],
    ['audit list --since yesterday', /Expected a moment/],
  ]
  it.concurrent.each(cases)('latchkey %s', async (commandLine, message) => {
    const result = await runCli(words(commandLine), { environment: { LATCHKEY_DATA_DIR: empty } })
    expect(result.stderr).toMatch(message)
    expect(result).toMatchObject({ code: 2, stdout: '' })
  })
})

describe('what this version does not have yet ends with 2 and is named', () => {
  const commandLines = ['console']
  it.concurrent.each(commandLines)('latchkey %s', async (commandLine) => {
    const what = /^(?:(?:key|audit|cert) )?[a-z-]+/.exec(commandLine)?.[0]
    const result = await runCli(words(commandLine))
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(result.stderr).toContain(`does not have latchkey ${what} yet`)
  })

  const options: [commandLine: string, what: string][] = [
    ['client create x --scope a/b --show-secret --auth private-key-jwt', '--auth private-key-jwt'],
  ]
  it.concurrent.each(options)('latchkey %s', async (commandLine, what) => {
    const result = await runCli(words(commandLine))
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(result.stderr).toContain(`does not have ${what} yet`)
  })
})

describe('--json', () => {
  const cases: [commandLine: string, code: number, error: string][] = [
    ['client --json', 2, 'usage'],
    ['client create --json', 2, 'usage'],
    ['client create x --scope a/b --auth private-key-jwt --json', 2, 'not_yet'],
    ['console --json', 2, 'not_yet'],
    ['serve --json', 2, 'config.invalid'],
    ['migrate --json --colour red', 2, 'usage'],
    ['client list --json', 2, 'server.not_running'],
  ]
  it.concurrent.each(cases)('latchkey %s → %d %s as JSON on standard error', async (commandLine, code, error) => {
    const result = await runCli(words(commandLine), { environment: { LATCHKEY_DATA_DIR: empty } })
    expect(result).toMatchObject({ code, stdout: '' })
    const shape = { error, message: expect.any(String) as string, hint: expect.any(String) as string }
    expect(JSON.parse(result.stderr)).toEqual(shape)
    expect(result.stderr.trimEnd()).not.toContain('\n')
  })

  it('behind -- is an argument', async () => {
    const result = await runCli(['client', 'show', '--', '--json'], { environment: { LATCHKEY_DATA_DIR: empty } })
    expect(result.stderr).toMatch(/^latchkey: no server/)
  })
})

describe('help and version end with 0', () => {
  it('prints the version', async () => {
    expect(await runCli(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  it('lists every command, and apart what is not there yet', async () => {
    const { code, stdout } = await runCli(['--help'])
    expect(code).toBe(0)
    const nouns = [
      'dev',
      'init',
      'serve',
      'migrate',
      'resource-server|api',
      'client',
      'secret',
      'token',
      'key',
      'audit',
      'doctor',
    ]
    for (const noun of nouns) expect(stdout).toContain(`\n  ${noun} `)
    expect(stdout).toMatch(/Not in this version yet: .*console/)
  })

  it('prints the version for -v too', async () => {
    expect(await runCli(['-v'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  it.concurrent.each(['', 'dev', 'init', 'serve', 'migrate', 'client', 'api', 'client create', 'doctor'])(
    'help %s is %s --help',
    async (command) => {
      const help = await runCli(['help', ...words(command)])
      expect(help).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^Usage: latchkey/) as string })
      expect(help).toEqual(await runCli([...words(command), '--help']))
    },
  )

  it.concurrent.each(['client disable', 'secret revoke', 'token revoke'])(
    '%s --help says who goes on accepting what is revoked',
    async (command) => {
      const { stdout } = await runCli([...words(command), '--help'])
      expect(stdout).toMatch(
        /Introspection knows it at once\. An API that checks tokens offline[^]*within a\s+second; one that follows no feed/,
      )
    },
  )

  const verbs = [
    ...['create', 'list', 'show', 'update', 'delete', 'credential'].map((verb) => `resource-server ${verb}`),
    ...['create', 'list', 'show', 'update', 'disable', 'enable', 'delete', 'test'].map((verb) => `client ${verb}`),
    ...['add', 'list', 'revoke'].map((verb) => `secret ${verb}`),
    ...['get', 'inspect', 'revoke'].map((verb) => `token ${verb}`),
    ...['create', 'list', 'revoke'].map((verb) => `link ${verb}`),
    ...['issue', 'list', 'revoke'].map((verb) => `cert ${verb}`),
    ...['list', 'show', 'approve', 'ask', 'reject', 'invite', 'invitations', 'uninvite'].map(
      (verb) => `request ${verb}`,
    ),
    'key list',
    'audit list',
    'audit verify',
    'audit export',
    'import auth0',
    'import cognito',
    'apply',
    'export',
    'completion',
    'doctor',
  ]
  it.concurrent.each(['dev', 'init', 'serve', 'migrate'])(
    'latchkey %s --help shows examples and defaults',
    async (name) => {
      const { code, stdout, stderr } = await runCli([name, '--help'])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(stdout).toMatch(/Examples:\n {2}\$ latchkey/)
      expect(stdout).toMatch(/--data-dir <directory> +\S+[^]*--json/)
      expect(stdout).not.toMatch(/--master-key |undefined/)
    },
  )

  it.concurrent.each(verbs)('latchkey %s --help shows examples, and nothing of a later version', async (verb) => {
    const { code, stdout, stderr } = await runCli([...words(verb), '--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/Examples:\n {2}\$ .*latchkey/)
    expect(stdout).toContain('--json')
  })
})

function words(commandLine: string): string[] {
  return commandLine.split(' ').filter((word) => word !== '')
}
