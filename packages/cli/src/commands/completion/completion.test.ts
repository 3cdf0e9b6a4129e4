import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../testing/run-cli.ts'

const run = promisify(execFile)

let folder: string
let script: string

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'lk-completion-'))
  script = path.join(folder, 'latchkey.bash')
  const { stdout } = await runCli(['completion', 'bash'])
  await writeFile(script, stdout)
})

afterAll(async () => {
  await rm(folder, { recursive: true })
})

describe('bash, as bash itself completes', () => {
  const cases: [typed: string, has: string[], hasNot: string[]][] = [
    [
      'latchkey ',
      ['client', 'resource-server', 'apply', 'export', 'audit', '--version'],
      ['create', '--scope', 'console'],
    ],
    ['latchkey cl', ['client'], ['key', 'secret']],
    ['latchkey client ', ['create', 'list', 'test', '--help'], ['client', 'verify']],
    ['latchkey client c', ['create'], ['list']],
    ['latchkey api ', ['create', 'credential'], ['test']],
    [
      'latchkey client create --',
      ['--scope', '--token-ttl', '--allow-ip', '--json', '--data-dir'],
      ['--csr', '--prune'],
    ],
    ['latchkey client create Acme --sc', ['--scope'], ['--json']],
    ['latchkey client create --data-dir list --sc', ['--scope'], ['create']],
    ['latchkey apply --p', ['--plan', '--prune'], ['--json']],
    ['latchkey import ', ['auth0', 'cognito'], ['client']],
    ['latchkey completion ', ['bash', 'zsh', 'fish', 'powershell'], ['client']],
    ['latchkey apply --file ', [], ['--plan']],
  ]
  it.each(cases)('%s', async (typed, has, hasNot) => {
    const words = typed.split(' ')
    const offered = await complete(words)
    for (const word of has) expect(offered).toContain(word)
    for (const word of hasNot) expect(offered).not.toContain(word)
    expect(new Set(offered).size).toBe(offered.length)
    const last = words.at(-1) ?? ''
    expect(offered.filter((word) => !word.startsWith(last))).toEqual([])
  })

  it('is printed alone', async () => {
    expect(await runCli(['completion', 'bash'])).toMatchObject({ code: 0, stderr: '' })
  })

  it('is quiet when it is sourced, and says whom it completes', async () => {
    const { stdout, stderr } = await run('bash', [
      '--norc',
      '--noprofile',
      '-u',
      '-c',
      `source '${script}'; complete -p latchkey`,
    ])
    expect({ stdout, stderr }).toEqual({ stdout: 'complete -o default -F _latchkey latchkey\n', stderr: '' })
  })
})

describe('the other shells', () => {
  it.each(['zsh', 'fish', 'powershell'])('%s: every verb and option of the program stands in it', async (shell) => {
    const { code, stdout } = await runCli(['completion', shell])
    expect(code).toBe(0)
    for (const text of ['resource-server create', 'client test', 'token-ttl', 'audit export', 'fail-on-drift']) {
      expect(stdout).toContain(text)
    }
    expect(stdout).not.toMatch(/undefined|\[object/)
  })

  it.each(['', 'csh', 'toString'])('%j is refused', async (shell) => {
    const result = await runCli(['completion', ...(shell === '' ? [] : [shell])])
    expect(result).toMatchObject({ code: 2, stdout: '' })
  })

  it('is one line of JSON with --json', async () => {
    const { stdout } = await runCli(['completion', 'bash', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ shell: 'bash', script: expect.stringContaining('_latchkey') as string })
  })
})

/** What bash offers behind these words: its own completion machinery asks the script. */
async function complete(words: readonly string[]): Promise<string[]> {
  const quoted = words.map((word) => `'${word}'`).join(' ')
  const ask = `source '${script}'; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _latchkey; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout } = await run('bash', ['--norc', '--noprofile', '-c', ask])
  return stdout.split('\n').filter((line) => line !== '')
}
