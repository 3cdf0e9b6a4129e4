import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Fault } from '../kernel/faults.ts'
import {
  openDataDirectory,
  refuseDevelopmentFile,
  resetDevelopmentDirectory,
  type DataDirectory,
} from './data-directory.ts'
import { startOtherProcess, type OtherProcess } from './other-process.test.support.ts'

const dev = { development: true }
const serve = { development: false }

let home: string
let directory: string
let held: DataDirectory[]
let others: OtherProcess[]

beforeEach(async () => {
  home = await mkdtemp(path.join(os.tmpdir(), 'latchkey-data-'))
  directory = path.join(home, 'data')
  held = []
  others = []
})

afterEach(async () => {
  for (const one of held) one.release()
  for (const other of others) await other.kill()
  await rm(home, { recursive: true })
})

function open(options = dev): DataDirectory {
  const one = openDataDirectory(directory, options)
  held.push(one)
  return one
}

function release(): void {
  for (const one of held.splice(0)) one.release()
}

function start(source: string, unprivileged = false): OtherProcess {
  const other = startOtherProcess(source, { unprivileged })
  others.push(other)
  return other
}

const opener = () =>
  `const { openDataDirectory } = await load('store/data-directory.ts')
   try { globalThis.held = openDataDirectory(${JSON.stringify(directory)}, { development: true }); console.log('held') }
   catch (error) { console.log(error.code + ' ' + error.remedy) }
   setInterval(() => {}, 1000)`

function faultOf(work: () => unknown): Fault {
  try {
    work()
  } catch (error) {
    expect(error).toBeInstanceOf(Fault)
    return error as Fault
  }
  throw new Error('nothing was thrown')
}

async function modeOf(file: string): Promise<number> {
  return (await stat(file)).mode & 0o777
}

describe('making one', () => {
  test('with the directories above it; for this user alone; marked as development', async () => {
    directory = path.join(home, 'a', 'b', 'data')
    expect(open().path).toBe(directory)
    expect(await modeOf(directory)).toBe(0o700)
    expect(await modeOf(path.join(directory, 'DEVELOPMENT'))).toBe(0o600)
  })

  test('what is in it, the lock included, is for this user alone', async () => {
    open()
    const names = await readdir(directory)
    expect(names).toContain('lock')
    for (const name of names) expect([name, await modeOf(path.join(directory, name))]).toEqual([name, 0o600])
  })

  test('an empty one is taken, and closed to others', async () => {
    await mkdir(directory, { mode: 0o755 })
    await chmod(directory, 0o755)
    open()
    expect(await modeOf(directory)).toBe(0o700)
    expect(await readdir(directory)).toContain('DEVELOPMENT')
  })

  test('what a start that was cut off left behind is no hindrance', async () => {
    await mkdir(directory)
    await writeFile(path.join(directory, 'lock'), '')
    expect(open().path).toBe(directory)
  })

  test.each(['latchkey.db', 'thesis.txt', '.git'])(
    'one with %s in it that dev did not make is refused and left as it is',
    async (name) => {
      await mkdir(directory)
      await chmod(directory, 0o755)
      await writeFile(path.join(directory, name), 'precious')
      const fault = faultOf(() => open())
      expect(fault).toMatchObject({ code: 'data_directory.unusable' })
      expect(fault.message).toContain(directory)
      expect(fault.remedy).toContain('--data-dir')
      expect(await readdir(directory)).toEqual([name])
      expect(await modeOf(directory)).toBe(0o755)
      expect(faultOf(() => resetDevelopmentDirectory(directory))).toMatchObject({ code: 'data_directory.unusable' })
      expect(await readFile(path.join(directory, name), 'utf8')).toBe('precious')
    },
  )

  test('a file in its place, or above it', async () => {
    await writeFile(directory, 'a file')
    for (const place of [directory, path.join(directory, 'below')]) {
      const fault = faultOf(() => openDataDirectory(place, dev))
      expect(fault).toMatchObject({ code: 'data_directory.unusable' })
      expect(fault.remedy).not.toBe('')
    }
    expect(await readFile(directory, 'utf8')).toBe('a file')
  })

  test('a directory that this user may not write', async () => {
    await chmod(home, 0o755)
    const other = start(opener(), true)
    // The other user may neither make it …
    if (process.getuid?.() === 0) expect(await other.line()).toMatch(/^data_directory\.unusable make it writable/)
    // … nor use it when it is there.
    await mkdir(directory)
    await chmod(directory, 0o555)
    expect(await start(opener(), true).line()).toMatch(/^data_directory\.unusable make it writable/)
    await chmod(directory, 0o700)
    expect(await readdir(directory)).toEqual([])
  })
})

describe('the lock', () => {
  test('a second opener in the same process is refused until the first lets go', () => {
    open()
    const fault = faultOf(() => open())
    expect(fault).toMatchObject({ code: 'data_directory.locked' })
    expect(fault.message).toContain(directory)
    expect(fault.remedy).not.toBe('')
    expect(faultOf(() => open())).toMatchObject({ code: 'data_directory.locked' })
    release()
    open()
  })

  test('a refused attempt in this process does not let another process in', async () => {
    open()
    expect(faultOf(() => open())).toMatchObject({ code: 'data_directory.locked' })
    expect(await start(opener()).line()).toMatch(/^data_directory\.locked/)
  })

  test('another process is refused, by whatever path it comes', async () => {
    open()
    expect(await start(opener()).line()).toMatch(/^data_directory\.locked stop it/)
    const [direct, link] = [directory, path.join(home, 'link')]
    await symlink(direct, link)
    directory = link
    expect(await start(opener()).line()).toMatch(/^data_directory\.locked/)
  })

  test('is held by another process until it is killed', async () => {
    const other = start(opener())
    expect(await other.line()).toBe('held')
    expect(faultOf(() => open())).toMatchObject({ code: 'data_directory.locked' })
    expect(faultOf(() => resetDevelopmentDirectory(directory))).toMatchObject({ code: 'data_directory.locked' })
    expect(await readdir(directory)).toContain('DEVELOPMENT')
    await other.kill()
    expect(open().path).toBe(directory)
  })

  test('a refused opener changes nothing', async () => {
    open(serve)
    await chmod(directory, 0o750)
    expect(faultOf(() => open(serve))).toMatchObject({ code: 'data_directory.locked' })
    expect(faultOf(() => open())).toMatchObject({ code: 'data_directory.unusable' })
    expect(await modeOf(directory)).toBe(0o750)
    expect(await readdir(directory)).not.toContain('DEVELOPMENT')
  })
})

describe('for production', () => {
  test('is made for this user alone and marked, and opens again', async () => {
    open(serve)
    expect(await modeOf(directory)).toBe(0o700)
    expect((await readdir(directory)).filter((name) => !name.startsWith('lock'))).toEqual(['PRODUCTION'])
    release()
    await writeFile(path.join(directory, 'latchkey.db'), 'data')
    open(serve)
  })

  test('an empty volume is taken, with what its file system has in it', async () => {
    await mkdir(path.join(directory, 'lost+found'), { recursive: true })
    open(serve)
    expect(await readdir(directory)).toContain('PRODUCTION')
  })

  test('neither takes what the other made', async () => {
    open()
    release()
    const fault = faultOf(() => open(serve))
    expect(fault).toMatchObject({ code: 'data_directory.unusable', remedy: expect.stringContaining('latchkey init') })
    expect(fault.message).toContain('latchkey dev')
    expect(await readdir(directory)).not.toContain('PRODUCTION')
    await rm(directory, { recursive: true })
    open(serve)
    release()
    expect(faultOf(() => open()).message).toContain('was not made by `latchkey dev`')
    expect(await readdir(directory)).not.toContain('DEVELOPMENT')
    expect(faultOf(() => resetDevelopmentDirectory(directory))).toMatchObject({ code: 'data_directory.unusable' })
  })

  test('one with anything else in it is refused and left as it is', async () => {
    await mkdir(directory)
    await writeFile(path.join(directory, 'thesis.txt'), 'precious')
    expect(faultOf(() => open(serve)).message).toContain('is not empty')
    expect(await readdir(directory)).toEqual(['thesis.txt'])
  })

  test.runIf(process.geteuid?.() === 0)('one that belongs to another user is refused', async () => {
    open(serve)
    release()
    await chown(directory, 65534, 65534)
    const fault = faultOf(() => open(serve))
    expect(fault.message).toContain('belongs to user 65534, and this is user 0')
    expect(fault.remedy).toMatch(/chown/)
  })

  test('a file out of a directory of dev is refused, by whatever path; others are not', async () => {
    open()
    const key = path.join(directory, 'master.key')
    const link = path.join(home, 'link.key')
    await writeFile(key, '')
    await symlink(key, link)
    for (const file of [key, link]) {
      expect(faultOf(() => refuseDevelopmentFile(file, 'master key')).message).toMatch(
        /^the master key .*`latchkey dev`/,
      )
    }
    refuseDevelopmentFile(path.join(home, 'other.key'), 'master key')
  })
})

describe('--reset', () => {
  test('removes what dev made, and leaves the lock for whoever waits for it', async () => {
    open()
    release()
    await mkdir(path.join(directory, 'audit'))
    await writeFile(path.join(directory, 'audit', '1.jsonl'), '')
    const files = ['latchkey.db', 'latchkey.db-wal', 'configurations.db', 'master.key', 'demo.env', 'admin.json']
    for (const name of files) await writeFile(path.join(directory, name), '')
    const link = path.join(home, 'link')
    await symlink(directory, link)
    resetDevelopmentDirectory(link)
    expect(await readdir(directory)).toEqual(['lock'])
    resetDevelopmentDirectory(directory)
    expect(open().path).toBe(directory)
  })

  test.each(['thesis.txt', '.git', 'latchkey.db.backup', 'lock.txt'])(
    'with %s in it, which Latchkey did not make, nothing is removed',
    async (name) => {
      open()
      release()
      await writeFile(path.join(directory, name), 'precious')
      await writeFile(path.join(directory, 'latchkey.db'), 'data')
      const before = await readdir(directory)
      const fault = faultOf(() => resetDevelopmentDirectory(directory))
      expect(fault).toMatchObject({ code: 'data_directory.unusable' })
      expect(fault.message).toContain(name)
      expect(await readdir(directory)).toEqual(before)
    },
  )

  test.each<[string, (marker: string) => Promise<unknown>]>([
    ['empty', (marker) => writeFile(marker, '')],
    ['of other content', (marker) => writeFile(marker, 'yes')],
    ['a directory', (marker) => mkdir(marker)],
    ['a link', (marker) => symlink(path.join(home, 'genuine', 'DEVELOPMENT'), marker)],
  ])('a marker that is %s does not count', async (_, make) => {
    openDataDirectory(path.join(home, 'genuine'), dev).release()
    await mkdir(directory)
    await make(path.join(directory, 'DEVELOPMENT'))
    await writeFile(path.join(directory, 'master.key'), 'precious')
    expect(faultOf(() => resetDevelopmentDirectory(directory))).toMatchObject({ code: 'data_directory.unusable' })
    expect(await readdir(directory)).toEqual(['DEVELOPMENT', 'master.key'])
  })

  test.runIf(process.geteuid?.() === 0)('a marker of another user does not count', async () => {
    open()
    release()
    await chown(path.join(directory, 'DEVELOPMENT'), 65534, 65534)
    expect(faultOf(() => resetDevelopmentDirectory(directory))).toMatchObject({ code: 'data_directory.unusable' })
  })

  test('a directory that is not there is no mistake', async () => {
    resetDevelopmentDirectory(directory)
    expect(await readdir(home)).toEqual([])
  })

  test('refuses one in use, and one that dev did not make', async () => {
    open()
    expect(faultOf(() => resetDevelopmentDirectory(directory))).toMatchObject({ code: 'data_directory.locked' })
    release()
    await rm(path.join(directory, 'DEVELOPMENT'))
    await writeFile(path.join(directory, 'latchkey.db'), 'data')
    const fault = faultOf(() => resetDevelopmentDirectory(directory))
    expect(fault).toMatchObject({ code: 'data_directory.unusable' })
    expect(fault.remedy).toContain('--data-dir')
    expect(await readFile(path.join(directory, 'latchkey.db'), 'utf8')).toBe('data')
  })
})
