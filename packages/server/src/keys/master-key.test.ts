import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Fault } from '../kernel/faults.ts'
import { startOtherProcess } from '../store/other-process.test.support.ts'
import { readMasterKey, type MasterKeySource } from './master-key.ts'

const bytes = randomBytes(32)
const text = bytes.toString('base64url')

let directory: string
let file: string

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'latchkey-key-'))
  file = path.join(directory, 'master.key')
})

afterEach(() => rm(directory, { recursive: true }))

/** The Fault, which must say what to do and nothing of the key. */
function refusal(source: MasterKeySource, secret = text): Fault {
  try {
    readMasterKey(source)
  } catch (error) {
    expect(error).toBeInstanceOf(Fault)
    const fault = error as Fault
    expect(fault.remedy).not.toBe('')
    for (let start = 0; start + 8 <= secret.length; start++) {
      expect(`${fault.message}\n${fault.remedy}\n${fault.stack}`).not.toContain(secret.slice(start, start + 8))
    }
    return fault
  }
  throw new Error('it was taken')
}

describe('from a variable', () => {
  test('32 bytes of base64url', () => {
    expect(readMasterKey({ kind: 'value', value: text, name: 'LATCHKEY_MASTER_KEY' })).toEqual(bytes)
  })

  test.each([
    ['too short', randomBytes(31).toString('base64url')],
    ['too long', randomBytes(33).toString('base64url')],
    ['padded', `${text}=`],
    ['surrounded by spaces', ` ${text}`],
    [
      'not in its plain form',
      `${text.slice(0, -1)}${text.endsWith('B') ? 'C' : 'B'}`.replace(/[AEIMQUYcgkosw048]$/, 'B'),
    ],
    ['hexadecimal', bytes.toString('hex')],
    ['base64', `${randomBytes(30).toString('base64')}+/`],
    ['a phrase', 'correct horse battery staple correct horse batt'],
    ['empty', ''],
  ])('%s is refused', (_, value) => {
    const fault = refusal({ kind: 'value', value, name: 'LATCHKEY_MASTER_KEY' }, value)
    expect(fault.code).toBe('master_key.wrong')
    expect(fault.message).toContain('LATCHKEY_MASTER_KEY')
  })
})

describe('from a file', () => {
  test('with or without a line end', async () => {
    for (const content of [text, `${text}\n`, `${text}\r\n`]) {
      await writeFile(file, content, { mode: 0o600 })
      expect(readMasterKey({ kind: 'file', path: file })).toEqual(bytes)
    }
  })

  test.each(['file', 'development-file'] as const)('missing: %s', (kind) => {
    const fault = refusal({ kind, path: file, fresh: false })
    expect(fault.code).toBe('master_key.missing')
    expect(fault.message).toContain(file)
    expect(existsSync(file)).toBe(false)
  })

  test('a directory in its place', () => {
    expect(refusal({ kind: 'file', path: directory }).code).toBe('master_key.missing')
  })

  test.each([0o640, 0o604, 0o620, 0o602, 0o644, 0o660])('mode %o lets others at it: refused', async (mode) => {
    await writeFile(file, text)
    await chmod(file, mode)
    for (const kind of ['file', 'development-file'] as const) {
      const fault = refusal({ kind, path: file, fresh: false })
      expect(fault.code).toBe('master_key.wrong')
      expect(fault.remedy).toBe(`chmod 600 ${file}`)
    }
  })

  test.skipIf(process.getuid?.() !== 0)('0440 is taken from root and root’s group alone', async () => {
    await writeFile(file, text)
    await chmod(file, 0o440)
    expect(readMasterKey({ kind: 'file', path: file })).toEqual(bytes)
    await chown(file, 0, 65_534)
    expect(refusal({ kind: 'file', path: file }).code).toBe('master_key.wrong')
  })

  test.skipIf(process.getuid?.() !== 0)(
    'root’s, for a group, as Kubernetes hands it out: taken by who is not root, unless more is open',
    async () => {
      await chmod(directory, 0o755)
      const nobody = 65_534
      const cases = [
        ['taken', 0o440, 0],
        ['taken', 0o640, 0],
        ['master_key.wrong', 0o660, 0],
        ['master_key.wrong', 0o644, 0],
        // It could close its own.
        ['master_key.wrong', 0o640, nobody],
        ['taken', 0o600, nobody],
      ] as const
      const files: string[] = []
      for (const [i, [, mode, owner]] of cases.entries()) {
        const each = path.join(directory, `key-${i}`)
        await writeFile(each, text)
        await chown(each, owner, 0)
        await chmod(each, mode)
        files.push(each)
      }
      const reader = startOtherProcess(
        `const { readMasterKey } = await load('keys/master-key.ts')
         for (const path of ${JSON.stringify(files)}) {
           try { readMasterKey({ kind: 'file', path }); console.log('taken') } catch (error) { console.log(error.code) }
         }
         setInterval(() => {}, 1000)`,
        { unprivileged: true },
      )
      try {
        for (const [said, mode] of cases)
          expect([mode.toString(8), await reader.line()]).toEqual([mode.toString(8), said])
      } finally {
        await reader.kill()
      }
    },
  )

  test.each([0o600, 0o400])('mode %o is taken', async (mode) => {
    await writeFile(file, text)
    await chmod(file, mode)
    expect(readMasterKey({ kind: 'file', path: file })).toEqual(bytes)
  })

  test.each(['', 'nonsense', text.slice(1), `${text}\n${text}`])('with a content that is no key', async (content) => {
    await writeFile(file, content, { mode: 0o600 })
    const fault = refusal({ kind: 'file', path: file }, content)
    expect(fault.code).toBe('master_key.wrong')
    expect(fault.message).toContain(file)
  })
})

describe('the development file', () => {
  test('is made once, with a fresh data directory, for this user alone', async () => {
    const first = readMasterKey({ kind: 'development-file', path: file, fresh: true })
    expect(first).toHaveLength(32)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const content = await readFile(file, 'utf8')
    expect(readMasterKey({ kind: 'development-file', path: file, fresh: false })).toEqual(first)
    expect(readMasterKey({ kind: 'development-file', path: file, fresh: true })).toEqual(first)
    expect(await readFile(file, 'utf8')).toBe(content)
    await rm(file)
    expect(readMasterKey({ kind: 'development-file', path: file, fresh: true })).not.toEqual(first)
  })

  test('is never made anew beside a database', () => {
    expect(refusal({ kind: 'development-file', path: file, fresh: false }).remedy).toContain('--reset')
    expect(existsSync(file)).toBe(false)
  })

  test('a file with another content is not replaced', async () => {
    await writeFile(file, 'nonsense', { mode: 0o600 })
    expect(refusal({ kind: 'development-file', path: file, fresh: true }).code).toBe('master_key.wrong')
    expect(await readFile(file, 'utf8')).toBe('nonsense')
  })

  test('only a development file is ever made', () => {
    refusal({ kind: 'file', path: file })
    expect(existsSync(file)).toBe(false)
  })
})
