import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { restoreBackup } from '../composition/restore.ts'
import type { Config } from '../config/config.ts'
import { Fault, type FaultCode } from '../kernel/faults.ts'
import { systemRandom } from '../kernel/random.ts'
import { tablesLeftOut } from '../store/sql/backup.ts'
import { migrations } from '../store/migrations/index.ts'
import { schemaShape } from '../store/schema-shape.ts'
import { postForm, send, sqliteFile, startTestServer, type TestServer } from '../testing/start-test-server.ts'
import { adminSender } from '../admin-api/testing/admin-request.ts'
import { askToken, claim, makeLink, stateOf } from '../portal/claim/link.test.support.ts'
import { dataKeysOf, downloadBackup, headerOf, linesOf, writeGenuine, writeLines } from './backup.test.support.ts'
import type { Restored } from './restore.ts'

let folder: string
let server: TestServer
let running: TestServer[]
let file: string

interface Registered {
  readonly clientId: string
  readonly clientSecret: string
}

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'latchkey-backup-'))
  file = path.join(folder, 'latchkey.backup')
  server = await startTestServer()
  running = [server]
})

afterEach(async () => {
  for (const each of running) await each.dispose()
  rmSync(folder, { recursive: true, force: true })
})

async function registerClient(): Promise<Registered> {
  await server.registerApi('configurations', ['read', 'write'])
  return server.registerClient(['configurations/read'])
}

async function token(of: TestServer, { clientId, clientSecret }: Registered): Promise<string | undefined> {
  const answer = await postForm(of.tokenEndpoint, {
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
  })
  return answer.status === 200 ? String(answer.json()['access_token']) : undefined
}

async function isActive(of: TestServer, { clientId, clientSecret }: Registered, text: string): Promise<boolean> {
  const answer = await postForm(new URL('/oauth2/introspect', of.issuer).href, {
    token: text,
    client_id: clientId,
    client_secret: clientSecret,
  })
  return answer.json()['active'] === true
}

function restoreInto(config: Config, options: { replace?: boolean; file?: string } = {}): Promise<Restored> {
  const { replace = false } = options
  return restoreBackup(config, { file: options.file ?? file, replace }, { clock: server.clock, random: systemRandom() })
}

/** A data directory of its own that holds nothing but the master key, as after the loss of a machine. */
function elsewhere(): Config {
  const dataDirectory = mkdtempSync(path.join(folder, 'machine-'))
  const masterKey = path.join(folder, 'master.key')
  if (!existsSync(masterKey)) copyFileSync(path.join(server.config.dataDirectory, 'master.key'), masterKey)
  return {
    ...server.config,
    dataDirectory: path.join(dataDirectory, 'data'),
    database: { kind: 'sqlite', path: path.join(dataDirectory, 'data', 'latchkey.db') },
    masterKey: { kind: 'file', path: masterKey },
  }
}

async function startOn(config: Config): Promise<TestServer> {
  const started = await startTestServer(config, server.clock, path.dirname(config.dataDirectory))
  running.push(started)
  return started
}

async function refusal(work: Promise<unknown>): Promise<FaultCode> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof Fault)) throw new Error(`not refused: ${String(error)}`)
  return error.code
}

describe('a restore on another machine', () => {
  test('brings back clients with their secrets, and ends every token of before', async () => {
    const client = await registerClient()
    const before = await token(server, client)
    expect(before).toBeDefined()
    expect(await downloadBackup(server.adminSocket, file)).toBe(200)
    // A server that is still issuing while its backup is restored elsewhere.
    server.clock.advance(60_000)
    const after = await token(server, client)
    const config = elsewhere()
    const restored = await restoreInto(config)
    expect(restored).toMatchObject({ issuer: server.issuer, lost: [], migrated: [] })

    const second = await startOn({ ...config, issuer: server.issuer, port: 0, adminPort: 0 })
    const origin = { ...second, issuer: `http://127.0.0.1:${second.publicPort}` }
    const tokenEndpoint = `${origin.issuer}/oauth2/token`
    const fresh = await token({ ...origin, tokenEndpoint }, client)
    expect(fresh).toBeDefined()
    expect(await isActive(origin, client, fresh ?? '')).toBe(true)
    for (const old of [before, after]) expect(await isActive(origin, client, old ?? '')).toBe(false)
  })

  test('signs with new keys only, and the feed says a floor above every generation of before', async () => {
    const client = await registerClient()
    const keysBefore = (await send(`${server.issuer}/oauth2/jwks`)).json<{ keys: { kid: string }[] }>().keys
    const feedBefore = (await send(`${server.issuer}/oauth2/revocations`)).json<{ sequence: number }>()
    const claims = JSON.parse(
      Buffer.from((await token(server, client))?.split('.')[1] ?? '', 'base64url').toString(),
    ) as { lk_credentials: Record<string, number> }
    await downloadBackup(server.adminSocket, file)
    server.clock.advance(1000)
    const config = elsewhere()
    await restoreInto(config)
    const second = await startOn(config)
    const keys = (await send(`${second.issuer}/oauth2/jwks`)).json<{ keys: { kid: string }[] }>().keys
    expect(keys).toHaveLength(2)
    expect(keys.filter(({ kid }) => keysBefore.some((old) => old.kid === kid))).toEqual([])

    const feed = (await send(`${second.issuer}/oauth2/revocations`)).json<{
      sequence: number
      entries: { kind: string; subject?: string; minimum?: number }[]
    }>()
    expect(feed.sequence).toBeGreaterThan(feedBefore.sequence)
    const floor = feed.entries.find(({ kind }) => kind === 'floor')
    expect(floor?.minimum).toBeGreaterThan(Math.max(...Object.values(claims.lk_credentials)))
    const kids = feed.entries.filter(({ kind }) => kind === 'kid').map(({ subject }) => subject)
    expect(new Set(kids)).toEqual(new Set(keysBefore.map(({ kid }) => kid)))
  })

  test('is recorded behind the row of its backup', async () => {
    await registerClient()
    await downloadBackup(server.adminSocket, file)
    const config = elsewhere()
    await restoreInto(config)
    const second = await startOn(config)
    const { items } = await second.services.audit.list({ event: 'backup', limit: 10 })
    expect(items.map(({ event }) => event)).toEqual(['backup.restored', 'backup.started'])
    expect(items[0]).toMatchObject({
      actor: 'local-restore',
      details: { last_row: headerOf(file).last_row.sequence, lost: 0, version: '0.0.0-test' },
    })
  })

  test('voids open delivery links, and revokes what was shown and never confirmed', async () => {
    const [first, second] = [await registerClient(), await server.registerClient(['configurations/read'])]
    const open = await makeLink(server, first.clientId)
    const shown = await makeLink(server, second.clientId)
    const claimed = await claim(server, shown)
    expect(claimed.status).toBe(200)
    await downloadBackup(server.adminSocket, file)
    const config = elsewhere()
    await restoreInto(config)
    const restored = await startOn(config)
    for (const link of [open, shown]) expect(await stateOf(restored, link)).toBe('revoked')
    expect((await askToken(restored, claimed)).status).toBe(401)
    expect((await claim(restored, open)).json()).toMatchObject({ reason: 'link.revoked' })
    expect(await token(restored, first)).toBeDefined()
  })

  test('revokes a certificate that was shown and never confirmed, also in the revocation list', async () => {
    await registerClient()
    const admin = adminSender(server.adminSocket)
    const body = { name: 'plant', scopes: ['configurations/read'], authentication: 'mtls' }
    const { client_id: clientId } = (await admin('POST', '/clients', { body })).body as { client_id: string }
    const shown = await makeLink(server, clientId)
    expect((await claim(server, shown, { make_key: true })).status).toBe(200)
    await downloadBackup(server.adminSocket, file)
    const config = elsewhere()
    await restoreInto(config)
    const restored = await startOn(config)
    expect(await stateOf(restored, shown)).toBe('revoked')
    const list = await adminSender(restored.adminSocket)('GET', `/certificates?client_id=${clientId}`)
    expect(list.body['items']).toMatchObject([{ state: 'revoked', revocation_reason: 'cessationOfOperation' }])
  })

  test('is refused with another master key, and without one', async () => {
    await downloadBackup(server.adminSocket, file)
    const config = elsewhere()
    const other = path.join(folder, 'other.key')
    writeFileSync(other, Buffer.alloc(32, 9).toString('base64url'), { mode: 0o600 })
    expect(await refusal(restoreInto({ ...config, masterKey: { kind: 'file', path: other } }))).toBe('backup.invalid')
    expect(await refusal(restoreInto({ ...config, masterKey: undefined }))).toBe('master_key.missing')
    expect(existsSync(path.join(config.dataDirectory, 'master.key'))).toBe(false)
    expect((await restoreInto(config)).rows).toBeGreaterThan(0)
  })

  test('is refused by a clock that stands before the backup', async () => {
    await downloadBackup(server.adminSocket, file)
    server.clock.advance(-1)
    expect(await refusal(restoreInto(elsewhere()))).toBe('restore.clock')
  })
})

describe('a restore where an installation is', () => {
  test('is refused while a server runs there, and without --replace', async () => {
    await downloadBackup(server.adminSocket, file)
    expect(await refusal(restoreInto(server.config, { replace: true }))).toBe('data_directory.locked')
    await server.stop()
    expect(await refusal(restoreInto(server.config))).toBe('restore.not_empty')
  })

  test('lists the changes that are lost, and audit verify explains what older logs know of them', async () => {
    const client = await registerClient()
    await downloadBackup(server.adminSocket, file)
    const late = await server.registerClient(['configurations/read'])
    await token(server, late)
    await server.stop()
    server.clock.advance(5000)
    const restored = await restoreInto(server.config, { replace: true })
    // The first is the row that the backup itself made when it was whole.
    expect(restored.lost.map(({ name, subject }) => [name, subject])).toEqual([
      ['backup.taken', ''],
      ['client.created', late.clientId],
    ])
    const again = await startOn(server.config)
    expect(await token(again, client)).toBeDefined()
    expect(await token(again, late)).toBeUndefined()

    const report = await again.services.audit.verify()
    const found = report.findings.map(({ severity, kind }) => `${severity} ${kind}`)
    expect(found).toEqual(['note restored'])
    expect(report.intact).toBe(true)
  })

  test('rows that vanish after a restore are still missed', async () => {
    await registerClient()
    await downloadBackup(server.adminSocket, file)
    await server.stop()
    server.clock.advance(5000)
    await restoreInto(server.config, { replace: true })
    const again = await startOn(server.config)
    await again.registerClient(['configurations/read'])
    await again.registerClient(['configurations/read'])
    await again.stop()
    const db = new DatabaseSync(sqliteFile(server.config))
    db.exec('delete from audit_rows where sequence = (select max(sequence) from audit_rows)')
    db.close()
    again.clock.advance(5000)
    const third = await startOn(server.config)
    const report = await third.services.audit.verify()
    expect(report.intact).toBe(false)
    expect(report.findings.filter(({ severity }) => severity === 'problem').map(({ kind }) => kind)).toContain(
      'cut_off',
    )
  })

  test('goes above generations and sequences that only the replaced database knows', async () => {
    const client = await registerClient()
    await downloadBackup(server.adminSocket, file)
    const ahead = server.clock.now() + 3_600_000
    await server.stop()
    const db = new DatabaseSync(sqliteFile(server.config))
    db.exec(
      `update credentials set generation = ${ahead}; update sequences set value = ${ahead} where name = 'revocations'`,
    )
    db.close()
    await restoreInto(server.config, { replace: true })
    const again = await startOn(server.config)
    const feed = (await send(`${again.issuer}/oauth2/revocations`)).json<{
      sequence: number
      entries: { kind: string; minimum?: number }[]
    }>()
    expect(feed.sequence).toBeGreaterThan(ahead)
    expect(feed.entries.find(({ kind }) => kind === 'floor')?.minimum).toBe(ahead + 1)
    expect(await token(again, client)).toBeDefined()
  })
})

describe('a file that is not as it was made is refused, and changes nothing', () => {
  test.each<[string, (lines: string[]) => string[]]>([
    ['a value changed', (lines) => lines.map((line) => line.replace('"enabled"', '"disabled"'))],
    ['a row removed', (lines) => lines.filter((line) => !line.startsWith('["clients"'))],
    ['a row twice', (lines) => lines.flatMap((line) => (line.startsWith('["client_scopes"') ? [line, line] : [line]))],
    ['rows in another order', (lines) => [lines[0] ?? '', ...lines.slice(1, -1).toReversed(), lines.at(-1) ?? '']],
    ['another issuer in the header', (lines) => lines.map((line) => line.replace('"issuer":"http', '"issuer":"https'))],
    ['no header', (lines) => lines.slice(1)],
    ['no end', (lines) => lines.slice(0, -1)],
    ['a line behind the end', (lines) => [...lines, '["clients"]']],
    ['no MAC', (lines) => [...lines.slice(0, -1), '{"end":true,"mac":""}']],
    ['a line that is no JSON', (lines) => [...lines.slice(0, 3), '{', ...lines.slice(3)]],
    [
      'a data key sealed by somebody else',
      (lines) => lines.map((line) => line.replace(/^(\["data_keys",.*)"(.)(?=[^"]*",\d+\]$)/, '$1"B$2')),
    ],
    ['nothing in it', () => []],
  ])('%s', async (_, change) => {
    await registerClient()
    await downloadBackup(server.adminSocket, file)
    const config = elsewhere()
    const changed = path.join(folder, 'changed')
    const lines = linesOf(file)
    writeLines(changed, change(lines))
    expect(change(lines)).not.toEqual(lines)
    expect(await refusal(restoreInto(config, { file: changed }))).toBe('backup.invalid')
    expect(await refusal(restoreInto(server.config, { file: changed, replace: true }))).toBe('data_directory.locked')
    expect((await restoreInto(config)).rows).toBe(lines.length - 2)
  })

  test.each([1, 10, 100, 1000])('%d bytes cut off', async (bytes) => {
    await registerClient()
    await downloadBackup(server.adminSocket, file)
    const whole = readFileSync(file)
    writeFileSync(file, whole.subarray(0, whole.length - bytes))
    expect(await refusal(restoreInto(elsewhere()))).toBe('backup.invalid')
  })

  test('any byte of the file', async () => {
    await downloadBackup(server.adminSocket, file)
    const whole = readFileSync(file)
    const config = elsewhere()
    // The first ten bytes are gzip's own header, part of which says nothing (RFC 1952 §2.3: MTIME, XFL, OS).
    for (let at = 10; at < whole.length; at += Math.ceil(whole.length / 40)) {
      const changed = Buffer.from(whole)
      changed.writeUInt8(changed.readUInt8(at) ^ 0x10, at)
      writeFileSync(file, changed)
      expect(await refusal(restoreInto(config)), `byte ${at}`).toBe('backup.invalid')
    }
  })

  test.each(['missing', '.'])('a file that cannot be read: %s', async (name) => {
    expect(await refusal(restoreInto(elsewhere(), { file: path.join(folder, name) }))).toBe('backup.invalid')
  })

  test('the installation that would have been replaced is as it was', async () => {
    const client = await registerClient()
    await downloadBackup(server.adminSocket, file)
    writeLines(
      file,
      linesOf(file).filter((line) => !line.startsWith('["clients"')),
    )
    await server.stop()
    expect(await refusal(restoreInto(server.config, { replace: true }))).toBe('backup.invalid')
    const again = await startOn(server.config)
    expect(await token(again, client)).toBeDefined()
  })
})

describe('the schema', () => {
  test('every table of the database is in the backup, or left out with a reason', async () => {
    await downloadBackup(server.adminSocket, file)
    const db = new DatabaseSync(sqliteFile(server.config), { readOnly: true })
    const tables = db
      .prepare("select name from sqlite_schema where type = 'table'")
      .all()
      .map(({ name }) => String(name))
    const header = headerOf(file)
    for (const { name, columns } of header.tables) {
      const types = db.prepare(`select name, type from pragma_table_info('${name}')`).all()
      expect(columns.toSorted()).toEqual(types.map((column) => String(column['name'])).toSorted())
      // What JSON carries whole, on every backend.
      for (const column of types) expect(['TEXT', 'INTEGER', 'BIGINT']).toContain(String(column['type']).toUpperCase())
    }
    db.close()
    const ours = tables.filter((name) => !name.startsWith('sqlite_') && !name.startsWith('kysely_'))
    const named = new Set([...header.tables.map(({ name }) => name), ...Object.keys(tablesLeftOut)])
    expect(ours.filter((name) => !named.has(name))).toEqual([])
    expect(header.migrations).toEqual(Object.keys(migrations).toSorted())
  })

  test('a backup of an older one is brought up to date', async () => {
    await registerClient()
    await downloadBackup(server.adminSocket, file)
    const [first = '', ...rest] = linesOf(file)
    const header = headerOf(file)
    // As the version before the last migration would have made it: without the tables and columns of that.
    const last = header.migrations.at(-1) ?? ''
    const earlier = header.migrations.slice(0, -1)
    const known = new Map((await schemaShape(earlier))?.map(({ name, columns }) => [name, new Set(columns)]))
    const tables = header.tables
      .filter(({ name }) => known.has(name))
      .map((table) => ({ ...table, columns: table.columns.filter((column) => known.get(table.name)?.has(column)) }))
    const older = JSON.stringify({ ...header, migrations: earlier, tables })
    expect(older).not.toBe(first)
    const nowHas = new Map(header.tables.map(({ name, columns }) => [name, columns]))
    const rows = rest.slice(0, -1).flatMap((line) => {
      const [table, ...values] = JSON.parse(line) as [string, ...unknown[]]
      const kept = values.filter((_, i) => known.get(table)?.has(nowHas.get(table)?.[i] ?? '') === true)
      return known.has(table) ? [JSON.stringify([table, ...kept])] : []
    })
    writeGenuine(file, [older, ...rows], dataKeysOf(file, server.config.dataDirectory))
    const config = elsewhere()
    expect((await restoreInto(config)).migrated).toEqual([last])
    const second = await startOn(config)
    expect((await second.services.clients.list({ limit: 10 })).items).toHaveLength(1)
  })

  test.each<[FaultCode, string, object]>([
    ['schema.newer', 'one of a newer version', { migrations: ['0001-registry', '9999-future'] }],
    ['backup.invalid', 'one whose tables are not those of its schema', { tables: [] }],
    ['backup.invalid', 'another format', { latchkey_backup: 2 }],
  ])('%s: %s is refused although its MAC is right', async (code, _, change) => {
    await downloadBackup(server.adminSocket, file)
    const rows = linesOf(file).slice(1, -1)
    const header = JSON.stringify({ ...headerOf(file), ...change })
    writeGenuine(file, [header, ...rows], dataKeysOf(file, server.config.dataDirectory))
    expect(await refusal(restoreInto(elsewhere()))).toBe(code)
  })
})
