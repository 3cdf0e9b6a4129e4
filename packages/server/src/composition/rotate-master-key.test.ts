import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Config } from '../config/config.ts'
import { Fault } from '../kernel/faults.ts'
import { systemRandom } from '../kernel/random.ts'
import { keyedServer, startKeyedServer, type KeyedServer } from '../keys/keyed-server.test.support.ts'
import { startTestServer } from '../testing/start-test-server.ts'
import { rotateMasterKey, type MasterKeyPlace } from './rotate-master-key.ts'

/** The same after every restart, unlike the port. */
const issuer = 'https://auth.example.com'

let house: KeyedServer
let place: MasterKeyPlace
let token: string
let keyFile: string

/** A server with a client and a token, stopped. */
beforeEach(async () => {
  house = await startKeyedServer({ issuer })
  token = await house.token()
  place = house.server.config
  keyFile = path.join(place.dataDirectory, 'master.key')
  await house.server.stop()
})

afterEach(() => rm(path.dirname(place.dataDirectory), { recursive: true }))

function rotate(newKeyFile?: string, at: MasterKeyPlace = place) {
  return rotateMasterKey(at, newKeyFile, { clock: house.server.clock, random: systemRandom() })
}

async function refusal(work: Promise<unknown>): Promise<Fault> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(Fault)
  return error as Fault
}

/** Starts the server, and shows that everything which was sealed before is usable: secrets, signing keys, tokens, the chains of the audit log. */
async function expectWhole(config: Partial<Config> = {}): Promise<void> {
  const server = await startTestServer({ issuer, ...config }, house.server.clock, path.dirname(place.dataDirectory))
  try {
    const again = await keyedServer(server, house.client)
    expect(await again.introspect(token)).toBe(true)
    expect(await again.introspect(await again.token())).toBe(true)
    expect(await server.services.audit.verify()).toMatchObject({ intact: true })
  } finally {
    await server.stop()
  }
}

describe('in place', () => {
  test('the new key takes the place of the old one, which is kept; everything else stays', async () => {
    const old = await readFile(keyFile, 'utf8')
    const rotated = await rotate()
    expect(rotated).toMatchObject({ dataKeys: 3, file: keyFile, isInPlace: true })
    expect(await readFile(keyFile, 'utf8')).not.toBe(old)
    expect(await readFile(rotated.keptFile ?? '', 'utf8')).toBe(old)
    for (const file of [keyFile, rotated.keptFile ?? '']) expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await readdir(place.dataDirectory)).filter((name) => /next|partial/.test(name))).toEqual([])
    await expectWhole()
  })

  test('the old key opens nothing any more', async () => {
    const { keptFile = '' } = await rotate()
    const fault = await refusal(
      startTestServer(
        { masterKey: { kind: 'file', path: keptFile } },
        house.server.clock,
        path.dirname(place.dataDirectory),
      ),
    )
    expect(fault.code).toBe('master_key.wrong')
    expect(fault.remedy).toContain('master-key rotate')
  })

  test('again and again', async () => {
    for (let round = 0; round < 3; round++) {
      house.server.clock.advance(1000)
      await rotate()
    }
    expect((await readdir(place.dataDirectory)).filter((name) => name.startsWith('master.key.before-'))).toHaveLength(3)
    await expectWhole()
  })

  test('is audited, without a word of either key', async () => {
    const { keptFile = '' } = await rotate()
    const server = await startTestServer({}, house.server.clock, path.dirname(place.dataDirectory))
    const { items } = await server.services.audit.list({ limit: 10 })
    const entry = JSON.stringify(items.find(({ event }) => event === 'master_key.rotated'))
    expect(entry).toContain('"data_keys":3')
    expect(entry).toContain('command-line')
    for (const file of [keyFile, keptFile]) {
      const key = (await readFile(file, 'utf8')).trim()
      expect(JSON.stringify(items)).not.toContain(key.slice(0, 8))
      expect(server.logLines.join('')).not.toContain(key.slice(0, 8))
    }
    await server.stop()
  })
})

describe('to a file that is named', () => {
  test('is made for this user alone; the old file stays as it is, and servers are told of the new one', async () => {
    const old = await readFile(keyFile, 'utf8')
    const file = path.join(path.dirname(place.dataDirectory), 'new.key')
    expect(await rotate(file)).toEqual({ dataKeys: 3, file, isInPlace: false })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readFile(keyFile, 'utf8')).toBe(old)
    await expectWhole({ masterKey: { kind: 'file', path: file } })
    const again = await rotate(file)
    expect(again).toEqual({ dataKeys: 0, file, isInPlace: false })
  })

  test('may hold a key already, from where keys are kept', async () => {
    const file = path.join(path.dirname(place.dataDirectory), 'prepared.key')
    const content = `${randomBytes(32).toString('base64url')}\n`
    await writeFile(file, content, { mode: 0o600 })
    expect(await rotate(file)).toMatchObject({ dataKeys: 3 })
    expect(await readFile(file, 'utf8')).toBe(content)
    await expectWhole({ masterKey: { kind: 'file', path: file } })
  })

  test('is refused, and nothing changes, when it is no key or open to others', async () => {
    const file = path.join(path.dirname(place.dataDirectory), 'bad.key')
    for (const [content, mode] of [
      ['nonsense', 0o600],
      ['', 0o600],
      [randomBytes(32).toString('base64url'), 0o644],
    ] as const) {
      await writeFile(file, content, { mode })
      await chmod(file, mode)
      expect((await refusal(rotate(file))).code).toBe('master_key.wrong')
      expect(await readFile(file, 'utf8')).toBe(content)
    }
    expect((await refusal(rotate(path.join(file, 'beneath')))).code).toBe('master_key.missing')
    await expectWhole()
  })
})

describe('refuses', () => {
  test('a key from a variable without a file for the new one', async () => {
    const value = (await readFile(keyFile, 'utf8')).trim()
    const fromVariable = { ...place, masterKey: { kind: 'value', value } as const }
    const fault = await refusal(rotate(undefined, fromVariable))
    expect(fault.code).toBe('config.invalid')
    expect(fault.remedy).toContain('--new-key-file')
    expect(`${fault.message}${fault.stack}`).not.toContain(value.slice(0, 8))
    const file = path.join(path.dirname(place.dataDirectory), 'new.key')
    expect(await rotate(file, fromVariable)).toMatchObject({ dataKeys: 3, isInPlace: false })
  })

  test('a key that is not the one in use', async () => {
    const file = path.join(path.dirname(place.dataDirectory), 'other.key')
    await writeFile(file, randomBytes(32).toString('base64url'), { mode: 0o600 })
    expect((await refusal(rotate(undefined, { ...place, masterKey: { kind: 'file', path: file } }))).code).toBe(
      'master_key.wrong',
    )
    await expectWhole()
  })

  test('an embedded database whose server runs', async () => {
    const server = await startTestServer({}, house.server.clock, path.dirname(place.dataDirectory))
    expect((await refusal(rotate())).code).toBe('data_directory.locked')
    await server.stop()
    await expectWhole()
  })

  test('a database that is not there', async () => {
    const database = { kind: 'sqlite', path: path.join(place.dataDirectory, 'no.db') } as const
    expect((await refusal(rotate(undefined, { ...place, database }))).code).toBe('keys.missing')
  })
})

describe('killed in between', () => {
  const script = fileURLToPath(new URL('killed-rotation.test.support.ts', import.meta.url))

  test.each(['made', 'rewrapped', 'linked'])(
    'after %s: the next start works, and so does rotating again',
    async (step) => {
      for (const next of ['start', 'rotate'] as const) {
        const old = await readFile(keyFile, 'utf8')
        const child = spawn(process.execPath, ['--conditions=latchkey-source', script, place.dataDirectory, step], {
          stdio: ['ignore', 'inherit', 'inherit'],
        })
        const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
        expect({ code, signal }).toEqual({ code: null, signal: 'SIGKILL' })
        expect(await readFile(keyFile, 'utf8')).toBe(old)
        if (next === 'rotate') {
          house.server.clock.advance(1000)
          expect(await rotate()).toMatchObject({ dataKeys: 3, isInPlace: true })
          expect(await readFile(keyFile, 'utf8')).not.toBe(old)
        }
        await expectWhole()
        await expectWhole()
      }
    },
  )
})
