import { parseClientSecret, type EpochMs } from '@latchkey/protocol'
import { describe, expect } from 'vitest'
import { startMs } from '../kernel/fixed-surroundings.test.support.ts'
import { rigTest, type Rig } from '../store/contract/rig.ts'
import { revocationSequences } from '../store/contract/sample-records.ts'
import { openSqliteBackend } from '../store/sqlite.test.support.ts'
import type { ClientId } from './client.ts'
import type { Credential, CredentialId } from './credential.ts'
import { addSecret, revokeSecret } from './manage-secrets.ts'
import { must, reasonOf, registryOn, type Registry } from './registry.test.support.ts'

const test = rigTest(openSqliteBackend)
const nowhere = 'nowhere0' as CredentialId

/** A client whose first secret was rotated: first → second → third, first → branch; beside them one of its own. */
async function rotated(rig: Rig, registry: Registry) {
  const { client, secret: first } = await registry.addClient('Acme', [])
  const add = async (name: string, replaces?: CredentialId) =>
    must(await addSecret(registry.change, rig.maker, rig.context(), client.clientId, { name, replaces })).credential
  const second = await add('second', first.id)
  const third = await add('third', second.id)
  const branch = await add('branch', first.id)
  const unrelated = await add('unrelated')
  return { client, first, second, third, branch, unrelated }
}

async function revoke(rig: Rig, registry: Registry, id: CredentialId, compromised: boolean): Promise<CredentialId[]> {
  const revoked = must(await revokeSecret(registry.change, rig.context(), id, { compromised }))
  for (const one of revoked) expect(await registry.credential(one.id)).toStrictEqual(one)
  return revoked.map((one: Credential) => one.id)
}

describe('adding', () => {
  test('a secret with its name, end and parent; the others stay', async ({ rig }) => {
    const registry = registryOn(rig)
    const { client, secret: first } = await registry.addClient('Acme', [])
    const input = { name: 'second', expiresAt: (startMs + 60_000) as EpochMs, replaces: first.id }
    rig.clock.advance(1)
    const added = must(await addSecret(registry.change, rig.maker, rig.context(), client.clientId, input))
    expect(parseClientSecret(added.clientSecret)?.credentialId).toBe(added.credential.id)
    expect(await registry.credential(added.credential.id)).toStrictEqual(added.credential)
    expect(added.credential).toMatchObject({
      kind: 'secret',
      name: 'second',
      parentId: first.id,
      expiresAt: startMs + 60_000,
      generation: startMs + 1,
    })
    expect(added.credential.reference).not.toBe(first.reference)
    expect(await registry.credential(first.id)).toStrictEqual(first)
    expect(registry.revocations).toEqual([])
    expect(JSON.stringify(await registry.lastEvent())).not.toContain(added.clientSecret.slice(-50))
  })

  test('refusals: unknown client, unknown parent, another client’s parent', async ({ rig }) => {
    const registry = registryOn(rig)
    const { client } = await registry.addClient('Acme', [])
    const { secret: foreign } = await registry.addClient('Other', [])
    const add = async (clientId: string, replaces?: CredentialId) =>
      reasonOf(
        await addSecret(registry.change, rig.maker, rig.context(), clientId as ClientId, { name: 'x', replaces }),
      )
    expect(await add('nobody')).toBe('client.unknown')
    expect(await add(client.clientId, nowhere)).toBe('credential.unknown')
    expect(await add(client.clientId, foreign.id)).toBe('credential.unknown')
    expect((await rig.store.clients.find(client.clientId))?.credentials).toHaveLength(2)
  })
})

describe('revoking', () => {
  test('plainly ends one: neither its descendants’ tokens nor its parent’s', async ({ rig }) => {
    const registry = registryOn(rig)
    const { client, first, second, third, branch, unrelated } = await rotated(rig, registry)
    rig.clock.advance(1000)
    expect(await revoke(rig, registry, second.id, false)).toEqual([second.id])
    const ended = await registry.credential(second.id)
    expect(ended).toStrictEqual({ ...second, generation: startMs + 1000, revokedAt: startMs + 1000 })
    for (const other of [first, third, branch, unrelated]) {
      expect(await registry.credential(other.id)).toStrictEqual(other)
    }
    expect(registry.revocations).toMatchObject([
      { kind: 'credential', subject: second.reference, minimum: startMs + 1000 },
    ])
    expect(await registry.lastEvent()).toEqual({
      name: 'secret.revoked',
      subject: second.id,
      details: { client_id: client.clientId, compromised: false, revoked: [second.id] },
    })
  })

  test('as compromised ends every descendant, however far, and nothing else', async ({ rig }) => {
    const registry = registryOn(rig)
    const { first, second, third, branch, unrelated } = await rotated(rig, registry)
    const { secret: foreign } = await registry.addClient('Other', [])
    expect((await revoke(rig, registry, second.id, true)).toSorted()).toEqual([second.id, third.id].toSorted())
    expect((await registry.credential(first.id)).revokedAt).toBeUndefined()
    const all = await revoke(rig, registry, first.id, true)
    expect(all.toSorted()).toEqual([first.id, second.id, third.id, branch.id].toSorted())
    for (const other of [unrelated, foreign]) expect(await registry.credential(other.id)).toStrictEqual(other)
    expect(registry.revocations.map(({ subject }) => subject).toSorted()).toEqual(
      [first, second, third, branch].map(({ reference }) => reference).toSorted(),
    )
  })

  test('as compromised follows the line through what was revoked before', async ({ rig }) => {
    const registry = registryOn(rig)
    const { first, second, third, branch } = await rotated(rig, registry)
    await revoke(rig, registry, first.id, false)
    await revoke(rig, registry, second.id, false)
    rig.clock.advance(1000)
    await revoke(rig, registry, first.id, true)
    expect((await registry.credential(third.id)).revokedAt).toBe(startMs + 1000)
    expect((await registry.credential(branch.id)).revokedAt).toBe(startMs + 1000)
    expect((await registry.credential(second.id)).revokedAt).toBe(startMs)
  })

  test('again changes nothing further', async ({ rig }) => {
    const registry = registryOn(rig)
    const { first } = await rotated(rig, registry)
    await revoke(rig, registry, first.id, false)
    const after = await registry.credential(first.id)
    rig.clock.advance(1000)
    expect(await revoke(rig, registry, first.id, false)).toEqual([first.id])
    expect(await registry.credential(first.id)).toStrictEqual(after)
    expect(registry.revocations).toHaveLength(1)
  })

  test('refusals: unknown, and what is no secret', async ({ rig }) => {
    const registry = registryOn(rig)
    const { client } = await registry.addClient('Acme', [])
    const record = await rig.store.clients.find(client.clientId)
    const local = record?.credentials.find(({ kind }) => kind === 'local')
    const attempt = async (id: CredentialId) =>
      reasonOf(await revokeSecret(registry.change, rig.context(), id, { compromised: true }))
    expect(await attempt(nowhere)).toBe('credential.unknown')
    expect(await attempt(local?.id ?? nowhere)).toBe('credential.not_a_secret')
    expect(await revocationSequences(rig.store)).toEqual([])
  })
})
