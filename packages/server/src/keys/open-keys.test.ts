import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { compactVerify, importJWK, calculateJwkThumbprint } from 'jose'
import { describe, expect, test } from 'vitest'
import { seededRandom, settableClock } from '../kernel/fixed-surroundings.test.support.ts'
import { Fault } from '../kernel/faults.ts'
import type { SealedDataKey } from './data-keys.ts'
import { openKeys, type KeyStore, type OpenedKeys } from './open-keys.ts'
import { createSigner } from './signer.ts'
import type { SealedSigningKey } from './signing-keys.ts'

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
    expect(signingKeys.checkpoint).toMatchObject({ algorithm: 'Ed25519', state: 'active' })
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

  test('private keys that were swapped between rows', async () => {
    const store = await filled()
    const [first, second, ...rest] = store.signingKeys
    const [a, b] = [only(first), only(second)]
    store.signingKeys = [
      { ...a, sealedPrivateKey: b.sealedPrivateKey },
      { ...b, sealedPrivateKey: a.sealedPrivateKey },
      ...rest,
    ]
    const fault = await refusal(store)
    expect(fault.code).toBe('keys.missing')
    store.signingKeys = [{ ...a, kid: b.kid }, { ...b, kid: a.kid }, ...rest]
    expect((await refusal(store)).code).toBe('keys.missing')
  })

  test('a public key that was swapped in the database is not published', async () => {
    const store = await filled()
    const before = (await open(store)).signingKeys.jwks
    const foreign = JSON.stringify(
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }),
    )
    store.signingKeys = store.signingKeys.map((key) => ({ ...key, publicJwk: foreign }))
    expect((await open(store)).signingKeys.jwks).toEqual(before)
  })

  test('a revoked key is neither published nor accepted; a retired one still is', async () => {
    const store = await filled()
    const standby = only(store.signingKeys.find(({ state }) => state === 'standby'))
    const others = store.signingKeys.filter((key) => key !== standby)
    store.signingKeys = [...others, { ...standby, state: 'revoked' }]
    const revoked = (await open(store)).signingKeys
    expect(revoked.accepted.has(standby.kid)).toBe(false)
    expect(revoked.jwks.keys.map(({ kid }) => kid)).not.toContain(standby.kid)
    expect(revoked.all.map(({ kid }) => kid)).toContain(standby.kid)
    store.signingKeys = [...others, { ...standby, state: 'retired' }]
    expect((await open(store)).signingKeys.accepted.has(standby.kid)).toBe(true)
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

describe('signing', () => {
  test('a JWS that another implementation verifies with the published key (RFC 7515 §7.1)', async () => {
    const { signingKeys } = await open(vault())
    const signer = createSigner(signingKeys.active, 'at+jwt')
    const payload = JSON.stringify({ sub: 'ünïcödé 🔑' })
    const jwk = only(signingKeys.jwks.keys.find(({ kid }) => kid === signer.kid))
    const key = await importJWK(jwk, 'ES256')
    for (let i = 0; i < 20; i++) {
      const verified = await compactVerify(signer.sign(payload), key, { algorithms: ['ES256'] })
      expect(verified.protectedHeader).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: signer.kid })
      expect(new TextDecoder().decode(verified.payload)).toBe(payload)
    }
    const standby = await importJWK(only(signingKeys.jwks.keys.find(({ kid }) => kid !== signer.kid)), 'ES256')
    await expect(compactVerify(signer.sign(payload), standby)).rejects.toThrow()
  })
})
