import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { signingAlgorithms } from '@latchkey/protocol'
import { compactVerify, importJWK, calculateJwkThumbprint } from 'jose'
import { describe, expect, test } from 'vitest'
import { isGenuineCheckpoint, noRows, signCheckpoint } from '../audit/log/checkpoint.ts'
import { seededRandom, settableClock } from '../kernel/fixed-surroundings.test.support.ts'
import { Fault } from '../kernel/faults.ts'
import type { SealedDataKey } from './data-keys.ts'
import { openKeys, type OpenedKeys } from './open-keys.ts'
import type { KeyStore } from './ports.ts'
import { sealSigningKey, type SealedSigningKey } from './sealed-signing-key.ts'
import { seal } from './sealing.ts'
import { createSigner } from './signer.ts'
import { createCheckpointKey } from './signing-keys.ts'

const masterKey = randomBytes(32)
const clock = settableClock()

/** What is stored, open to tampering. */
interface Vault extends KeyStore {
  dataKeys: SealedDataKey[]
  signingKeys: SealedSigningKey[]
  installed: boolean
}

function vault(): Vault {
  const it: Vault = {
    dataKeys: [],
    signingKeys: [],
    installed: false,
    isNew: () => Promise.resolve(!it.installed),
    loadDataKeys: () => Promise.resolve([...it.dataKeys]),
    loadSigningKeys: () => Promise.resolve([...it.signingKeys]),
    installFirstKeys(dataKeys, signingKeys) {
      if (it.installed) return Promise.resolve(false)
      Object.assign(it, { installed: true, dataKeys: [...dataKeys], signingKeys: [...signingKeys] })
      return Promise.resolve(true)
    },
    resealSigningKey(before, after) {
      const at = it.signingKeys.findIndex((row) => row.sealedPrivateKey === before.sealedPrivateKey)
      if (at !== -1) it.signingKeys[at] = after
      return Promise.resolve()
    },
  }
  return it
}

function open(store: KeyStore, key: Uint8Array = masterKey): Promise<OpenedKeys> {
  return openKeys(store, key, seededRandom('keys'), clock)
}

async function refusal(store: KeyStore, key?: Uint8Array): Promise<Fault> {
  const error: unknown = await open(store, key).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(Fault)
  expect((error as Fault).remedy).not.toBe('')
  return error as Fault
}

/** A vault with its first keys in it. */
async function filled(): Promise<Vault> {
  const store = vault()
  await open(store)
  return store
}

function only<T>(found: T | undefined): T {
  if (found === undefined) throw new Error('not found')
  return found
}

describe('first keys', () => {
  test('a standby is published from the start, the checkpoint key never', async () => {
    const { signingKeys } = await open(vault())
    expect(signingKeys.all.map(({ state }) => state).toSorted()).toEqual(['active', 'standby'])
    expect(signingKeys.jwks.keys.map(({ kid }) => kid).toSorted()).toEqual(
      signingKeys.all.map(({ kid }) => kid).toSorted(),
    )
    expect(signingKeys.jwks.keys.map(({ kid }) => kid)).not.toContain(signingKeys.checkpoint.kid)
    expect(signingKeys.accepted.has(signingKeys.checkpoint.kid)).toBe(false)
    expect(signingKeys.active.state).toBe('active')
  })

  test('what is published is public and complete', async () => {
    const { signingKeys } = await open(vault())
    for (const jwk of signingKeys.jwks.keys) {
      expect(Object.keys(jwk).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
      expect(jwk).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' })
      expect(jwk.kid).toBe(await calculateJwkThumbprint(jwk))
    }
    expect([...signingKeys.checkpoint.verifiers.keys()]).toEqual([signingKeys.checkpoint.kid])
    expect(signingKeys.checkpoint.privateKey.asymmetricKeyType).toBe('ed25519')
  })

  test('the same keys open again, and no others are made', async () => {
    const store = await filled()
    const before = structuredClone([store.dataKeys, store.signingKeys])
    const [first, second] = [await open(store), await open(store)]
    expect(second.signingKeys.jwks).toEqual(first.signingKeys.jwks)
    expect(second.dataKeys.hmac('audit-mac', second.dataKeys.current('audit-mac'), 'x')).toEqual(
      first.dataKeys.hmac('audit-mac', first.dataKeys.current('audit-mac'), 'x'),
    )
    expect([store.dataKeys, store.signingKeys]).toEqual(before)
  })

  test('nothing is stored in clear', async () => {
    const store = await filled()
    const stored = JSON.stringify([store.dataKeys, store.signingKeys])
    const { dataKeys, signingKeys } = await open(store)
    const id = dataKeys.current('sealing')
    expect(stored).not.toContain(Buffer.from(dataKeys.sealingKey(id)).toString('base64url'))
    expect(stored).not.toContain(masterKey.toString('base64url'))
    expect(stored).not.toContain(String(signingKeys.active.privateKey.export({ format: 'jwk' }).d))
  })

  test('who comes second at the same moment uses the keys of who came first', async () => {
    const store = vault()
    const other = await filled()
    const late: KeyStore = {
      ...store,
      loadDataKeys: () => Promise.resolve(late === store || !asked ? ((asked = true), []) : other.loadDataKeys()),
      loadSigningKeys: () => other.loadSigningKeys(),
      installFirstKeys: () => Promise.resolve(false),
    }
    let asked = false
    expect((await open(late)).signingKeys.jwks).toEqual((await open(other)).signingKeys.jwks)
  })
})

describe('keys that are lost or changed', () => {
  test('another master key opens nothing', async () => {
    const fault = await refusal(await filled(), randomBytes(32))
    expect(fault.code).toBe('master_key.wrong')
    expect(fault.remedy).toContain('LATCHKEY_MASTER_KEY')
  })

  test('all data keys gone: refused, not made anew', async () => {
    const store = await filled()
    store.dataKeys = []
    expect((await refusal(store)).code).toBe('keys.missing')
    expect(store.dataKeys).toEqual([])
  })

  test.each(['secret-hmac', 'sealing', 'audit-mac'] as const)('the data key for %s gone', async (purpose) => {
    const store = await filled()
    store.dataKeys = store.dataKeys.filter((key) => key.purpose !== purpose)
    const fault = await refusal(store)
    expect(fault.code).toBe('keys.missing')
    expect(fault.message).toContain(purpose)
  })

  test.each([
    ['token', 'active'],
    ['audit-checkpoint', 'active'],
  ] as const)('the %s key that is %s gone', async (purpose, state) => {
    const store = await filled()
    store.signingKeys = store.signingKeys.filter((key) => key.purpose !== purpose || key.state !== state)
    expect((await refusal(store)).code).toBe('keys.missing')
  })

  test('data keys whose contents were swapped, or that were relabelled', async () => {
    const [hmac, sealing, mac] = (await filled()).dataKeys as [SealedDataKey, SealedDataKey, SealedDataKey]
    const tampered = [
      [{ ...hmac, sealed: mac.sealed }, sealing, { ...mac, sealed: hmac.sealed }],
      [{ ...hmac, purpose: 'audit-mac' }, sealing, { ...mac, purpose: 'secret-hmac' }],
      [{ ...hmac, id: mac.id }, sealing, { ...mac, id: hmac.id }],
      [hmac, sealing, mac, { ...hmac, id: 'audit-mac-x', purpose: 'audit-mac' }],
    ] as const
    for (const dataKeys of tampered) {
      const store = { ...(await filled()), loadDataKeys: () => Promise.resolve([...dataKeys]) }
      expect((await refusal(store)).code).toBe('master_key.wrong')
    }
  })

  test('a key of another installation', async () => {
    const store = await filled()
    const other = only(
      (await filled()).signingKeys.find(({ state, purpose }) => state === 'active' && purpose === 'token'),
    )
    store.signingKeys.push({ ...other, dataKeyId: only(store.signingKeys[0]).dataKeyId })
    expect((await refusal(store)).code).toBe('keys.altered')
  })
})

describe('rows that were changed in the database', () => {
  const now = clock.now()
  const changes: readonly (readonly [what: string, change: Partial<SealedSigningKey>])[] = [
    ['its state', { state: 'active' }],
    ['its state and the time of its activation', { state: 'active', activatedAt: now }],
    ['retired before its time', { state: 'retired', retiredAt: now }],
    ['its purpose', { purpose: 'audit-checkpoint', algorithm: 'Ed25519' }],
    ['its algorithm', { algorithm: 'PS256' }],
    ['its kid', { kid: 'x' }],
    ['when it was created', { createdAt: 1 as SealedSigningKey['createdAt'] }],
    ['its private half', { sealedPrivateKey: 'AQ' }],
    ['no private half', { sealedPrivateKey: '' }],
    [
      'its public half',
      {
        publicJwk: JSON.stringify(
          generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }),
        ),
      },
    ],
  ]
  test.each(changes)('%s → keys.altered', async (_, change) => {
    const store = await filled()
    store.signingKeys = store.signingKeys.map((key) => (key.state === 'standby' ? { ...key, ...change } : key))
    const fault = await refusal(store)
    expect(fault.code).toBe('keys.altered')
    expect(fault.message).toContain(store.signingKeys.find(({ kid }) => kid === change.kid)?.kid ?? 'signing key')
  })

  test('private halves swapped between rows, or rows between kids', async () => {
    const store = await filled()
    const [first, second, ...rest] = store.signingKeys
    const [a, b] = [only(first), only(second)]
    const swapped = [
      { ...a, sealedPrivateKey: b.sealedPrivateKey },
      { ...b, sealedPrivateKey: a.sealedPrivateKey },
    ]
    store.signingKeys = [...swapped, ...rest]
    expect((await refusal(store)).code).toBe('keys.altered')
    store.signingKeys = [{ ...a, kid: b.kid }, { ...b, kid: a.kid }, ...rest]
    expect((await refusal(store)).code).toBe('keys.altered')
  })
})

describe('rows of the version that authenticated private halves alone', () => {
  /** The row as that version wrote it. */
  async function asBefore(store: Vault, row: SealedSigningKey): Promise<SealedSigningKey> {
    const { dataKeys, signingKeys } = await open(store)
    const standby = row.state === 'standby'
    const key = standby ? undefined : row.purpose === 'token' ? signingKeys.active : signingKeys.checkpoint
    const privateKey = key?.privateKey ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
    const jwk = createPublicKey(privateKey).export({ format: 'jwk' })
    const kid = await calculateJwkThumbprint(jwk)
    const pkcs8 = privateKey.export({ format: 'der', type: 'pkcs8' })
    const sealedPrivateKey = seal(dataKeys.sealingKey(row.dataKeyId), 'signing-key', kid, pkcs8)
    return { ...row, kid, publicJwk: JSON.stringify(jwk), sealedPrivateKey }
  }

  test('keep working, and are sealed in the new form at the first start', async () => {
    const store = await filled()
    const before = (await open(store)).signingKeys
    const rows = await Promise.all(store.signingKeys.map((row) => asBefore(store, row)))
    store.signingKeys = [...rows]
    const { signingKeys } = await open(store)
    expect(signingKeys.active.kid).toBe(before.active.kid)
    expect(signingKeys.checkpoint.kid).toBe(before.checkpoint.kid)
    expect(store.signingKeys.map(({ kid }) => kid)).toEqual(rows.map(({ kid }) => kid))
    for (const [i, row] of store.signingKeys.entries()) expect(row.sealedPrivateKey).not.toBe(rows[i]?.sealedPrivateKey)
    const active = signingKeys.active.kid
    store.signingKeys = store.signingKeys.map((row) => (row.kid === active ? { ...row, state: 'standby' } : row))
    expect((await refusal(store)).code).toBe('keys.altered')
  })

  test('are believed in no state that it did not have', async () => {
    for (const change of [{ state: 'retired' }, { state: 'revoked' }, { algorithm: 'PS256' }] as const) {
      const store = await filled()
      const rows = await Promise.all(store.signingKeys.map((row) => asBefore(store, row)))
      store.signingKeys = rows.map((row) => (row.state === 'standby' ? { ...row, ...change } : row))
      expect((await refusal(store)).code).toBe('keys.altered')
    }
  })
})

describe('data keys', () => {
  test('the newest of a purpose writes, older ones still read', async () => {
    const store = await filled()
    const first = await open(store)
    const old = first.dataKeys.current('secret-hmac')
    const later = vault()
    clock.advance(1000)
    await openKeys(later, masterKey, seededRandom('more keys'), clock)
    const newer = only(later.dataKeys.find(({ purpose }) => purpose === 'secret-hmac'))
    store.dataKeys = [newer, ...store.dataKeys]
    const { dataKeys } = await open(store)
    expect(dataKeys.current('secret-hmac')).toBe(newer.id)
    expect(dataKeys.hmac('secret-hmac', old, 'x')).toEqual(first.dataKeys.hmac('secret-hmac', old, 'x'))
    expect(dataKeys.hmac('secret-hmac', newer.id, 'x')).not.toEqual(first.dataKeys.hmac('secret-hmac', old, 'x'))
  })

  test('a key of another purpose, or an unknown one, is not used', async () => {
    const { dataKeys } = await open(vault())
    expect(() => dataKeys.hmac('secret-hmac', dataKeys.current('audit-mac'), 'x')).toThrow(Fault)
    expect(() => dataKeys.hmac('audit-mac', 'audit-mac-unknown', 'x')).toThrow(Fault)
    expect(() => dataKeys.sealingKey(dataKeys.current('audit-mac'))).toThrow(Fault)
  })
})

describe('several checkpoint keys', () => {
  test('what an earlier one signed stays genuine, the newest signs', async () => {
    const store = await filled()
    const { dataKeys, signingKeys } = await open(store)
    const old = only(store.signingKeys.find(({ purpose }) => purpose === 'audit-checkpoint'))
    const retired = sealSigningKey(
      { ...old, state: 'retired', retiredAt: clock.now() },
      old.publicJwk,
      undefined,
      dataKeys,
    )
    const next = await createCheckpointKey(dataKeys, clock.now())
    store.signingKeys = [...store.signingKeys.filter((row) => row !== old), retired, next]
    const { checkpoint } = (await open(store)).signingKeys
    expect(checkpoint.kid).toBe(next.kid)
    expect([...checkpoint.verifiers.keys()].toSorted()).toEqual([old.kid, next.kid].toSorted())
    const statement = { log: 'l', host: 'h', after: '', firstSegment: 1, segment: 1, n: 1, mac: 'm', row: noRows }
    const early = signCheckpoint(signingKeys.checkpoint, statement, clock.now())
    const late = signCheckpoint(checkpoint, statement, clock.now())
    expect([early, late].map((each) => isGenuineCheckpoint(checkpoint, each))).toEqual([true, true])
    expect(isGenuineCheckpoint(checkpoint, { ...early, n: 2 })).toBe(false)
    expect(isGenuineCheckpoint(checkpoint, { ...early, kid: next.kid })).toBe(false)
    expect(isGenuineCheckpoint(checkpoint, { ...early, kid: 'unknown' })).toBe(false)
  })
})

describe('signing', () => {
  test.each(signingAlgorithms)('%s: a JWS that another implementation verifies with the published key', async (alg) => {
    const { signingKeys } = await openKeys(vault(), masterKey, seededRandom(alg), clock, alg)
    const signer = createSigner(signingKeys.active, 'at+jwt')
    const payload = JSON.stringify({ sub: 'ünïcödé 🔑' })
    const jwk = only(signingKeys.jwks.keys.find(({ kid }) => kid === signer.kid))
    expect(jwk).toMatchObject({ alg, use: 'sig', kid: await calculateJwkThumbprint(jwk) })
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'priv', 'k']) expect(jwk).not.toHaveProperty(secret)
    const key = await importJWK(jwk, alg)
    for (let i = 0; i < 20; i++) {
      const verified = await compactVerify(signer.sign(payload), key, { algorithms: [alg] })
      expect(verified.protectedHeader).toEqual({ alg, typ: 'at+jwt', kid: signer.kid })
      expect(new TextDecoder().decode(verified.payload)).toBe(payload)
    }
    const [header, body, signature = ''] = signer.sign(payload).split('.')
    const flipped = Buffer.from(signature, 'base64url')
    flipped.writeUInt8(flipped.readUInt8(7) ^ 1, 7)
    const broken = [
      [header, Buffer.from('{"sub":"x"}').toString('base64url'), signature],
      [header, body, flipped.toString('base64url')],
      [header, body, signature.slice(0, -4)],
      [header, body, ''],
    ]
    for (const parts of broken) await expect(compactVerify(parts.join('.'), key)).rejects.toThrow()
    const standby = await importJWK(only(signingKeys.jwks.keys.find(({ kid }) => kid !== signer.kid)), alg)
    await expect(compactVerify(signer.sign(payload), standby)).rejects.toThrow()
  })

  test('RSA keys have the 2048 bits that RFC 7518 §3.3 asks for', async () => {
    for (const alg of ['RS256', 'PS256'] as const) {
      const { signingKeys } = await openKeys(vault(), masterKey, seededRandom(alg), clock, alg)
      expect(signingKeys.active.publicKey.asymmetricKeyDetails).toMatchObject({ modulusLength: 2048 })
    }
  })
})
