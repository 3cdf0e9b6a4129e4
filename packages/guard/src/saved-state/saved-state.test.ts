import { chmod, chown, link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { savedStateFile } from '../node.ts'
import { startMs, startProtectedApi, type ProtectedApi } from '../protected-api.test.support.ts'
import { startTestIssuer, type TestIssuer } from '../testing.ts'
import { audience, readScope } from '../protected-api.test.support.ts'

const nowSeconds = startMs / 1000

let folder: string
let file: string
let issuer: TestIssuer

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'guard-state-'))
  file = path.join(folder, 'guard.json')
  issuer = await startTestIssuer({ audience, scope: readScope, now: () => startMs })
})
afterEach(async () => {
  await issuer.close()
  await rm(folder, { recursive: true })
})

function start(options: Parameters<typeof startProtectedApi>[0] = {}): Promise<ProtectedApi> {
  return startProtectedApi({ issuer: issuer.issuer, savedState: savedStateFile(file), ...options })
}

/** An API runs, hears what there is, and ends. */
async function runOnce(): Promise<void> {
  await using api = await start()
  expect((await api.call(await issuer.sign())).status).toBe(200)
}

function ignored(api: ProtectedApi): string[] {
  return api.events.flatMap((event) => (event.type === 'state.ignored' ? [event.reason] : []))
}

async function readSaved(): Promise<Record<string, Record<string, unknown>>> {
  return JSON.parse(await readFile(file, 'utf8')) as Record<string, Record<string, unknown>>
}

describe('a restart while the issuer is away', () => {
  test('tokens are judged at once: good ones 200, ended ones 401', async () => {
    const [good, ended] = await Promise.all([issuer.sign(), issuer.sign()])
    issuer.revokeToken(ended)
    await runOnce()
    await issuer.close()
    await using api = await start()
    expect((await api.call(good)).status).toBe(200)
    expect((await api.call(ended)).status).toBe(401)
    expect(api.refusals).toEqual(['token.revoked'])
    expect(api.events).toContainEqual({ type: 'state.restored', ageSeconds: 0, entries: 1 })
  })

  test('without a saved state → 503', async () => {
    const token = await issuer.sign()
    await issuer.close()
    await using api = await start()
    expect((await api.call(token)).status).toBe(503)
    expect(ignored(api)).toEqual([])
  })

  test('it serves until as_of is an hour old, and not an hour from the restart', async () => {
    const token = await issuer.sign({ exp: nowSeconds + 80_000 })
    await runOnce()
    await issuer.close()
    await using api = await start()
    api.clock.advance(3000)
    expect((await api.call(token)).status).toBe(200)
    api.clock.advance(599)
    expect((await api.call(token)).status).toBe(200)
    api.clock.advance(1)
    expect((await api.call(token)).status).toBe(503)
  })

  test('an issuer that hangs costs the first request a second, and not its whole patience', async () => {
    const token = await issuer.sign()
    await runOnce()
    issuer.intercept = () => {}
    await using api = await start({ keys: { timeoutMs: 60_000 }, revocations: { timeoutMs: 60_000 } })
    // The kept keys would have to be confirmed by now.
    api.clock.advance(600)
    expect((await api.call(token)).status).toBe(200)
    issuer.cutConnections()
  })

  test('the issuer is there: what ended while the API was down is known to the first request', async () => {
    const token = await issuer.sign()
    await runOnce()
    issuer.revokeToken(token)
    await using api = await start()
    expect((await api.call(token)).status).toBe(401)
  })

  test('the cursor is kept: an issuer that went back meanwhile is not believed', async () => {
    issuer.revokeToken(await issuer.sign())
    await runOnce()
    const { port } = new URL(issuer.issuer)
    await issuer.close()
    issuer = await startTestIssuer({ audience, scope: readScope, now: () => startMs, port: Number(port) })
    await using api = await start()
    // The new one has other keys, which are believed, and an empty feed, which is not.
    await api.call(await issuer.sign())
    const failures = api.events.flatMap((event) => (event.type === 'revocations.failed' ? [event.failure.reason] : []))
    expect(failures).toContain('feed.sequence_backwards')
  })
})

describe('writing', () => {
  test('mode 0600, nothing else left in the folder, and no token in it', async () => {
    const token = await issuer.sign()
    await runOnce()
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).toEqual(['guard.json'])
    const text = await readFile(file, 'utf8')
    for (const part of token.split('.')) expect(text).not.toContain(part)
  })

  test('news are written while the API runs', async () => {
    await using api = await start()
    const token = await issuer.sign({ jti: 'j-1' })
    expect((await api.call(token)).status).toBe(200)
    issuer.revokeToken(token)
    await vi.waitFor(async () => expect(await readFile(file, 'utf8')).toContain('j-1'), { timeout: 15_000 })
  })

  test('a file that is there already is replaced, whatever its mode was', async () => {
    await writeFile(file, 'x', { mode: 0o666 })
    await chmod(file, 0o666)
    await runOnce()
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  test('a folder that is not there → an event, and the API serves', async () => {
    file = path.join(folder, 'missing', 'guard.json')
    await using api = await start()
    expect((await api.call(await issuer.sign())).status).toBe(200)
    await api.guard.close()
    expect(api.events).toContainEqual({ type: 'state.not_saved', detail: 'ENOENT' })
  })

  test('a store of one’s own that fails in any way → events, and the API serves', async () => {
    const savedState = {
      read: () => Promise.reject(new Error('secret')),
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- what other people's code may do.
      write: () => Promise.reject(undefined),
    }
    await using api = await start({ savedState })
    expect((await api.call(await issuer.sign())).status).toBe(200)
    await api.guard.close()
    expect(ignored(api)).toEqual(['unreadable'])
    expect(api.events).toContainEqual({ type: 'state.not_saved', detail: 'undefined' })
    expect(JSON.stringify(api.events)).not.toContain('secret')
  })

  test('nothing heard → nothing written over what was kept', async () => {
    await runOnce()
    const before = await readFile(file, 'utf8')
    await issuer.close()
    {
      await using api = await start({ issuer: 'http://127.0.0.1:9' })
      expect((await api.guard.close(), ignored(api))).toEqual([])
      await api.guard.start()
    }
    expect(await readFile(file, 'utf8')).toBe(before)
  })
})

describe('what is not used', () => {
  /** Starts with the issuer away: only the saved state could let a token in. */
  async function startAlone(options: Parameters<typeof startProtectedApi>[0] = {}): Promise<[number, string[]]> {
    const token = await issuer.sign({ exp: nowSeconds + 80_000 })
    issuer.intercept = (request) => void request.socket.destroy()
    await using api = await start(options)
    const { status } = await api.call(token)
    return [status, ignored(api)]
  }

  beforeEach(runOnce)

  test('as it was written it is used', async () => {
    expect(await startAlone()).toEqual([200, []])
  })

  const change = async (edit: (saved: Record<string, Record<string, unknown>>) => void): Promise<void> => {
    const saved = await readSaved()
    edit(saved)
    await writeFile(file, JSON.stringify(saved))
  }
  test.each<[string, string, (saved: Record<string, Record<string, unknown>>) => void]>([
    ['another form', 'damaged', (saved) => Object.assign(saved, { format: 'latchkey-guard-state-2' })],
    ['no keys', 'damaged', (saved) => delete saved['keys']],
    ['an empty key set', 'damaged', (saved) => Object.assign(saved['keys'] ?? {}, { document: { keys: [] } })],
    ['keys from a file', 'damaged', (saved) => Object.assign(saved['keys'] ?? {}, { jwksUri: 'file:///etc/keys' })],
    ['keys of no time', 'damaged', (saved) => Object.assign(saved['keys'] ?? {}, { confirmedAtMs: null })],
    ['no revocations', 'damaged', (saved) => delete saved['revocations']],
    ['half of the revocations', 'damaged', (saved) => Object.assign(saved['revocations'] ?? {}, { more: true })],
    ['an entry that is malformed', 'damaged', (saved) => Object.assign(saved['revocations'] ?? {}, { entries: [1] })],
    [
      'another issuer',
      'issuer_mismatch',
      (saved) => Object.assign(saved['revocations'] ?? {}, { issuer: 'https://x' }),
    ],
    [
      'as_of an hour ago',
      'too_old',
      (saved) => Object.assign(saved['revocations'] ?? {}, { as_of: nowSeconds - 3600 }),
    ],
    ['as_of ahead', 'in_future', (saved) => Object.assign(saved['revocations'] ?? {}, { as_of: nowSeconds + 61 })],
    ['keys ahead', 'in_future', (saved) => Object.assign(saved['keys'] ?? {}, { confirmedAtMs: startMs + 61_000 })],
  ])('%s → ignored as %s, 503', async (_title, reason, edit) => {
    await change(edit)
    expect(await startAlone()).toEqual([503, [reason]])
  })

  test('a second before an hour is young enough', async () => {
    await change((saved) => Object.assign(saved['revocations'] ?? {}, { as_of: nowSeconds - 3599 }))
    expect(await startAlone()).toEqual([200, []])
  })

  test('keys that were confirmed an hour ago verify nothing', async () => {
    await change((saved) => Object.assign(saved['keys'] ?? {}, { confirmedAtMs: startMs - 3_600_000 }))
    expect(await startAlone()).toEqual([503, []])
  })

  test('a key set from another place than the one that the API names', async () => {
    expect(await startAlone({ jwksUri: 'https://keys.example.com/jwks' })).toEqual([503, ['issuer_mismatch']])
  })

  test.each(['', '{', 'null', '[]', '\0'])('%j instead of it → ignored as damaged, 503', async (text) => {
    await writeFile(file, text)
    expect(await startAlone()).toEqual([503, ['damaged']])
  })

  test.each([0o620, 0o602, 0o666])('mode %o, so that others can write it → ignored, 503', async (mode) => {
    await chmod(file, mode)
    expect(await startAlone()).toEqual([503, ['mode']])
  })

  test.each([0o600, 0o640, 0o644, 0o400])('mode %o is taken', async (mode) => {
    await chmod(file, mode)
    expect(await startAlone()).toEqual([200, []])
  })

  test.each([0o770, 0o707, 0o1777])(
    'a folder of mode %o, where others can put another file → ignored, 503',
    async (mode) => {
      await chmod(folder, mode)
      expect(await startAlone()).toEqual([503, ['mode']])
    },
  )

  test.runIf(process.geteuid?.() === 0)("somebody else's file or folder → ignored, 503", async () => {
    await chown(file, 65_534, 65_534)
    expect(await startAlone()).toEqual([503, ['owner']])
    issuer.intercept = undefined
    await chown(file, 0, 0)
    await chown(folder, 65_534, 65_534)
    expect(await startAlone()).toEqual([503, ['owner']])
  })

  test('a symbolic link, even to a good file → ignored, 503', async () => {
    const linked = path.join(folder, 'link.json')
    await symlink(file, linked)
    file = linked
    expect(await startAlone()).toEqual([503, ['not_a_file']])
  })

  test('a folder in its place → ignored, 503', async () => {
    await rm(file)
    await mkdir(file)
    expect(await startAlone()).toEqual([503, ['not_a_file']])
  })

  test('a second name of the same good file is taken', async () => {
    const second = path.join(folder, 'second.json')
    await link(file, second)
    file = second
    expect(await startAlone()).toEqual([200, []])
  })
})
